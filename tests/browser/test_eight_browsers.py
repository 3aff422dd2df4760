"""Eight browsers with sixty patches each, and one with the hostile set, on a real server."""

import http.client
import os
from urllib.parse import urlsplit

import numpy as np
import pytest

from idc.prediction.predictor import predict_patches
from idc.runs.run import BUNDLED_RUN_ID, open_run
from tests.support.app_server import running_app
from tests.support.browser_tools import wait_until
from tests.support.hostile_files import GOOD, bombs_and_polyglots, hostile_zips, malformed_files
from tests.support.made_patches import png

pytestmark = [pytest.mark.slow, pytest.mark.browser]

VISITORS, PREDICTIONS = 8, 60


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def app(home):
    """A server of this file's own: the hostile files and its output concern no other test."""
    with running_app(home) as address:
        yield address


def test_visitors_get_their_own_answers_during_a_hostile_upload(app, home, chromium):
    colours = np.random.default_rng(0).integers(0, 256, (VISITORS, PREDICTIONS, 3))
    before = sorted(os.listdir(home))
    contexts = [chromium.new_context() for _ in range(VISITORS + 1)]
    *pages, hostile = [context.new_page() for context in contexts]
    for page in [*pages, hostile]:
        page.set_default_timeout(180_000)
        page.goto(f"{app}/predict", wait_until="commit")

    uploaded(hostile, [("a.png", GOOD), *hostile_set()])
    for visitor, page in enumerate(pages):
        own = colours[visitor].tolist()
        uploaded(page, [(f"{visitor}-{n}.png", png(tuple(c))) for n, c in enumerate(own)])

    for visitor, page in enumerate(pages):
        patches = np.broadcast_to(
            colours[visitor].astype(np.uint8)[:, None, None], (PREDICTIONS, 50, 50, 3)
        )
        expected = predict_patches(open_run(BUNDLED_RUN_ID), patches)
        names, y_prob = shown_answers(page)
        assert names == [f"{visitor}-{number}.png" for number in range(len(names))]
        np.testing.assert_allclose(y_prob, expected[: len(names)], atol=1e-3)
        assert figure(page, "Predicted") == PREDICTIONS
    assert "a.png" in shown_answers(hostile)[0]
    assert figure(hostile, "Refused") >= 40

    for context in contexts:
        context.close()
    assert sorted(os.listdir(home)) == before
    assert "Traceback" not in (home / "server.txt").read_text()


def hostile_set():
    """A sample of the hostile files, small enough to upload quickly."""
    files = [*list(malformed_files().items())[::10]]
    files += [(name, data) for name, (_, data) in bombs_and_polyglots().items()]
    files += [(f"{name}.zip", data) for name, (_, data) in hostile_zips().items()]
    allowed = (".png", ".jpg", ".tif", ".bmp", ".webp", ".zip")
    return [(name, data) for name, data in files if name.endswith(allowed) and len(data) < 10**6]


def uploaded(page, files):
    page.locator("input[type=file]").set_input_files(
        [
            {"name": name, "mimeType": "application/octet-stream", "buffer": data}
            for name, data in files
        ]
    )


def shown_answers(page):
    """Names and probabilities on the first page of the table."""
    page.get_by_role("button", name="Download as CSV").wait_for()
    page.locator("tbody span.name").first.wait_for()
    y_prob = page.locator("tbody td.y_prob").all_text_contents()
    return page.locator("tbody span.name").all_text_contents(), [float(text) for text in y_prob]


def figure(page, label):
    metric = page.get_by_test_id("stMetric").filter(has_text=label)
    return int(metric.get_by_test_id("stMetricValue").inner_text())


def test_oversized_request_body_gets_413_and_the_server_stays_up(app):
    address = urlsplit(app)
    for announced in (True, False):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        body = bytes(2 * 10**6)
        pieces = body if announced else (body[at : at + 10**5] for at in range(0, len(body), 10**5))
        connection.request("POST", "/elsewhere", body=pieces, encode_chunked=not announced)
        assert connection.getresponse().status == 413
        connection.close()

    def is_well() -> bool:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200

    wait_until(is_well, "the server answers")
