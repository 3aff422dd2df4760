"""idc.server.api: POST /api/predict, on the real server over loopback."""

import threading

import numpy as np
import pytest
import requests
import uvicorn
from starlette.applications import Starlette

from idc.errors import PredictionError, ServerBusy
from idc.patches import CLASS_NAMES
from idc.prediction.predictor import predict_patches
from idc.processes.environment import API_TOKEN_VARIABLE
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.server import api, api_prediction
from idc.server.api_prediction import MAX_FILES
from idc.server.app import middleware, routes
from idc.server.concurrency_limit import ConcurrencyLimit
from idc.uploads.gate import MAX_FILE_BYTES, decode_image
from tests.support.hostile_files import GOOD, malformed_files
from tests.support.made_patches import png
from tests.support.waiting import wait_until

TOKEN = "canary-7f3a9c51e2d8b604"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PINK = png((200, 100, 150))
VIOLET = png((120, 60, 140))


@pytest.fixture(scope="module")
def server():
    """The app's own routes and middleware on a free port, without Streamlit behind them."""
    app = Starlette(routes=routes, middleware=middleware)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    wait_until(lambda: running.started, "the server listens")
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join()


@pytest.fixture
def endpoint(server, monkeypatch, home):
    """The address of the endpoint, open."""
    monkeypatch.setenv(API_TOKEN_VARIABLE, TOKEN)
    return f"{server}{api.PREDICT_PATH}"


@pytest.fixture
def no_model(monkeypatch):
    """A model that predicts 0.25, 0.75, 0.25, ... at once."""

    def look(run, patches):
        y_prob = np.resize(np.float32([0.25, 0.75]), len(patches))
        return y_prob, [["w"]] * len(patches)

    monkeypatch.setattr(api_prediction, "predict_with_warnings", look)


def post(endpoint, data=PINK, headers=BEARER, **more):
    return requests.post(endpoint, data=data, headers=headers, timeout=120, **more)


def form(endpoint, *files):
    return requests.post(
        endpoint, files=[("file", file) for file in files], headers=BEARER, timeout=120
    )


def sentence(answer, status):
    """The one-line detail of a refusal with this status."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["detail"]
    assert "\n" not in answer.json()["detail"]
    return answer.json()["detail"]


def test_api_is_disabled_by_default(server, monkeypatch):
    monkeypatch.delenv(API_TOKEN_VARIABLE, raising=False)
    address = f"{server}{api.PREDICT_PATH}"

    assert sentence(post(address), 404).startswith("The HTTP API is disabled")
    assert sentence(requests.get(address, timeout=60), 404).startswith("The HTTP API is disabled")


def test_invalid_token_leaves_the_api_disabled(endpoint, monkeypatch, caplog):
    monkeypatch.setenv(API_TOKEN_VARIABLE, "tooshort")

    sentence(post(endpoint, headers={"Authorization": "Bearer tooshort"}), 404)
    assert "must be 16 to 500 letters" in caplog.text
    assert "tooshort" not in caplog.text


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}]
)
def test_request_without_the_token_is_refused(endpoint, headers):
    answer = post(endpoint, headers=headers)

    assert "Authorization: Bearer TOKEN" in sentence(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.text


def test_body_without_the_token_is_not_read(endpoint, monkeypatch):
    async def never(*call):
        raise AssertionError("a body was read before the token")

    monkeypatch.setattr("idc.server.upload_limits._Body.read", never)

    sentence(post(endpoint, bytes(3 * 10**6), headers={}), 401)


@pytest.mark.slow  # the model answers
def test_image_gets_the_prediction_of_the_page(endpoint):
    run = open_run(BUNDLED_RUN_ID)
    expected = float(predict_patches(run, decode_image(PINK).rgb[None])[0])

    result = post(endpoint, params={"name": "mine.png"}).json()

    assert result["model"] == {
        "run": "bundled",
        "title": "Bundled model",
        "sha256": run.best()["sha256"],
        "model_sha256": run.model_sha256(),
    }
    assert result["threshold"] == run.calibration().threshold
    assert result["notice"] == "For teaching and research, not for diagnosis."
    [answer] = result["answers"]
    assert answer["name"] == "mine.png"
    assert answer["probability"] == pytest.approx(expected, abs=1e-5)
    assert answer["class"] == CLASS_NAMES[expected >= result["threshold"]]
    assert answer["warnings"]  # one colour is not tissue
    assert answer["notes"] == []


def test_form_of_several_is_answered_file_by_file(endpoint, no_model):
    answer = form(
        endpoint, ("a.png", PINK), ("b.txt", b"words"), ("c.png", png((9, 9, 9), width=60))
    )

    assert answer.status_code == 200
    first, second, third = answer.json()["answers"]
    assert (first["name"], first["probability"], first["class"]) == ("a.png", 0.25, "IDC-negative")
    assert (second["name"], list(second)) == ("b.txt", ["name", "detail"])
    assert second["detail"].startswith("b.txt is not a PNG")
    assert (third["name"], third["probability"], third["class"]) == ("c.png", 0.75, "IDC-positive")
    assert third["warnings"] == ["w"]
    assert third["notes"][0].startswith("Resized from 60 x 50 to 50 x 50 px")


def test_hostile_files_are_refused_and_the_next_good_one_works(endpoint, no_model):
    for name, data in list(malformed_files().items())[::15]:
        assert post(endpoint, data).status_code in (200, 422), name
    sentence(post(endpoint, b"\x89PNG\r\n\x1a\n" + bytes(100)), 422)
    assert "a zip archive" in sentence(post(endpoint, b"PK\x03\x04" + bytes(30)), 422)
    assert "a region" in sentence(post(endpoint, png((1, 2, 3), 401, 401)), 422)
    assert form(endpoint, ("x", b"no"), ("y", b"no")).json() == {
        "detail": "x is not a PNG, JPEG, TIFF, BMP or WebP image; save it as PNG, JPEG, TIFF, BMP "
        "or WebP and try again."
    }

    assert post(endpoint, GOOD).json()["answers"][0]["probability"] == 0.25


def test_body_that_is_not_an_image_is_refused(endpoint):
    assert "send an image" in sentence(post(endpoint, b""), 422)
    assert "-F file=@patch.png" in sentence(
        requests.post(endpoint, files={"file": (None, "words")}, headers=BEARER, timeout=60), 422
    )
    json_like = {**BEARER, "Content-Type": "application/json"}
    assert "image/png" in sentence(post(endpoint, b"{}", headers=json_like), 415)
    broken = {**BEARER, "Content-Type": "multipart/form-data"}
    assert sentence(post(endpoint, PINK, headers=broken), 400).endswith(
        "Missing boundary in multipart."
    )
    garbled = {**BEARER, "Content-Type": "multipart/form-data; boundary=b"}
    assert sentence(post(endpoint, PINK, headers=garbled), 400).endswith("Invalid multipart data.")


def test_too_large_body_and_too_many_files_are_refused(endpoint):
    assert "200 MB" in sentence(post(endpoint, bytes(MAX_FILE_BYTES + 20_000)), 413)
    many = [(f"{number}.png", b"x") for number in range(MAX_FILES + 1)]
    assert sentence(form(endpoint, *many), 413) == "A form may hold 256 files; send several forms."


def test_unknown_run_method_and_path_are_refused(endpoint):
    unknown = post(endpoint, params={"run": "../../etc"})
    assert sentence(unknown, 422).startswith("There is no run '../../etc'")
    other = requests.get(endpoint, headers=BEARER, timeout=60)
    assert sentence(other, 405) == "Send the images with POST /api/predict."
    assert other.headers["Allow"] == "POST"
    assert (
        sentence(post(endpoint + "/more"), 404)
        == "The only address of the API is POST /api/predict."
    )


@pytest.mark.parametrize("error", [ServerBusy("busy."), PredictionError("no answer.")])
def test_temporary_failure_is_503_with_retry_after(endpoint, monkeypatch, error):
    def fail(*call):
        raise error

    monkeypatch.setattr(api, "predict_files", fail)
    answer = post(endpoint)

    assert sentence(answer, 503) == str(error)
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(("max_total", "max_per_caller", "status"), [(9, 1, 429), (1, 9, 503)])
def test_request_over_a_limit_is_refused_with_retry_after(
    endpoint, monkeypatch, max_total, max_per_caller, status
):
    """The server still answers other requests: the work does not block its event loop."""
    working, may_end = threading.Event(), threading.Event()

    def work(run_id, files):
        working.set()
        may_end.wait(60)
        return {}

    monkeypatch.setattr(api, "predict_files", work)
    narrow = ConcurrencyLimit(max_total, max_per_caller)
    monkeypatch.setattr(
        ConcurrencyLimit, "slot", lambda limit, caller, slot=narrow.slot: slot(caller)
    )
    first = threading.Thread(target=lambda: post(endpoint))
    first.start()
    wait_until(working.is_set, "the first request is in progress")
    answer = post(endpoint)
    healthy = requests.get(endpoint.replace(api.PREDICT_PATH, "/healthz"), timeout=60)
    may_end.set()
    first.join()

    sentence(answer, status)
    assert answer.headers["Retry-After"] == "5"
    assert healthy.json()["status"] == "ok"
    assert post(endpoint).status_code == 200


def test_token_is_in_no_log_and_no_response(endpoint, no_model, caplog, capfd):
    caplog.set_level(0)
    answers = [
        post(endpoint),
        post(endpoint, headers={"Authorization": f"Basic {TOKEN}"}),
        post(endpoint, b"no picture"),
        requests.get(f"{endpoint}?token={TOKEN[:4]}", headers=BEARER, timeout=60),
        requests.get(endpoint.replace(api.PREDICT_PATH, "/healthz"), headers=BEARER, timeout=60),
    ]

    responses = "".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 401, 422, 405, 200]
    assert TOKEN not in responses + caplog.text + "".join(capfd.readouterr())
