"""Eight browsers with sixty patches each, and one with the hostile set, on a real server."""

import http.client
import io
import os
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from browser_tools import wait_until
from hostile_files import GOOD, bombs_and_polyglots, hostile_zips, malformed_files
from made_patches import png

from idc.prediction import predict_patches
from idc.runs import BUNDLED, open_run

pytestmark = [pytest.mark.slow, pytest.mark.browser]

VISITORS, PREDICTIONS = 8, 60


def test_everybody_gets_the_own_answers_while_the_hostile_set_comes_in(app, home, chromium):
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
        found = downloaded_csv(page)
        patches = np.broadcast_to(
            colours[visitor].astype(np.uint8)[:, None, None], (PREDICTIONS, 50, 50, 3)
        )
        expected = predict_patches(open_run(BUNDLED), patches)
        assert found["file"].tolist() == [f"{visitor}-{n}.png" for n in range(PREDICTIONS)]
        np.testing.assert_allclose(found["probability"], expected, atol=1e-4)
    found = downloaded_csv(hostile)
    assert found["probability"][0] >= 0
    refused = found[found["probability"].isna()]
    assert len(refused) >= 40 and refused["problem"].str.endswith(".").all()

    for context in contexts:
        context.close()
    assert sorted(os.listdir(home)) == before
    assert "Traceback" not in (home / "server.txt").read_text()


def hostile_set():
    """A part of the set, small enough to cross the browser's own channel quickly."""
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


def downloaded_csv(page):
    """The CSV file, fetched from where the button leads."""
    button = page.get_by_role("button", name="Answers as CSV")
    button.wait_for()
    with page.expect_download() as download:
        button.click()
    return pd.read_csv(io.BytesIO(page.request.get(download.value.url).body()))


def test_body_that_is_too_large_is_answered_413_and_the_server_goes_on(app):
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
