"""idc.server.upload_limits: request bodies are read within the quotas."""

import asyncio
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from idc.server import upload_limits
from idc.server.app import middleware
from idc.server.quotas import Quota, StorageUsage
from idc.server.streamlit_internals import is_open_session
from idc.server.upload_limits import UploadLimits
from idc.uploads.gate import MAX_FILE_BYTES
from tests.support.waiting import run_in_thread

UPLOAD = "/_stcore/upload_file/session-1/file-1"
FORM_OVERHEAD = 10_000
SILENT = {"type": "silent"}
SESSIONS = ("session-1", "session-2", "s")


class Caller:
    """Sends one request to the middleware in chunks, and records the response."""

    def __init__(self, quota: Quota, messages: list[dict[str, Any]]) -> None:
        self.reached: list[bytes] = []
        self.status = 0
        self.answer = b""
        self.messages = messages
        app = Starlette(
            routes=[Route("/{rest:path}", self.keep, methods=["PUT", "POST", "DELETE"])]
        )
        self.now_s = 0.0
        self.limits = UploadLimits(app, quota, is_open_session=lambda session: session in SESSIONS)

    async def keep(self, request: Request) -> JSONResponse:
        self.reached.append(await request.body())
        return JSONResponse({})

    async def receive(self) -> dict[str, Any]:
        if self.messages[0] is SILENT:
            await asyncio.Event().wait()
        message = self.messages.pop(0)
        self.now_s += message.get("after_s", 0.0)
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.answer += message.get("body", b"")


def call(
    quota: Quota, *pieces: bytes, length: int | None = None, path: str = UPLOAD, method: str = "PUT"
) -> Caller:
    """Send a body in chunks; ``length`` is the Content-Length header, if any."""
    messages = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    return sent(quota, messages, length, path, method)


def sent(
    quota: Quota,
    messages: list[dict[str, Any]],
    length: int | None = None,
    path: str = UPLOAD,
    method: str = "PUT",
) -> Caller:
    caller = Caller(quota, messages)
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("1.2.3.4", 5),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload_limits, "_now_s", lambda: caller.now_s)
        run_in_thread(caller.limits(scope, caller.receive, caller.send))
    return caller


def quota(**kept: StorageUsage) -> Quota:
    return Quota(lambda: kept, file_bytes=1_000, owner_bytes=2_000, total_bytes=5_000)


def test_body_within_the_limits_reaches_the_app_unchanged():
    for length in (6, None):
        caller = call(quota(), b"abc", b"", b"def", length=length)
        assert (caller.status, caller.reached) == (200, [b"abcdef"])


def test_empty_body_reaches_the_app():
    assert call(quota(), b"").reached == [b""]


def test_announced_length_over_the_limit_is_refused_and_the_body_discarded():
    caller = call(quota(), b"a", b"b", length=1_001 + FORM_OVERHEAD)

    assert (caller.status, caller.reached, caller.messages) == (413, [], [])
    assert json.loads(caller.answer)["detail"].startswith("A file of more than 1 kB is not")


def test_body_without_length_is_counted_while_it_arrives():
    caller = call(quota(), *[bytes(5_000)] * 4)

    assert (caller.status, caller.reached, caller.messages) == (413, [], [])


def test_body_exceeding_with_its_last_chunk_is_refused_without_waiting():
    assert call(quota(), bytes(1_001 + FORM_OVERHEAD)).status == 413


def test_upload_counts_against_the_session_in_its_url():
    full = quota(**{"session-1": StorageUsage(1, 1_500)})

    assert call(full, bytes(501), length=501).status == 413
    assert full.refusal("session-1").startswith("Your files would exceed 2 kB")
    assert call(full, bytes(501), length=501, path=UPLOAD.replace("-1/", "-2/")).status == 200


def test_removing_a_file_forgets_the_refusal():
    mine = quota()
    call(mine, b"a", length=10**6)
    assert mine.refusal("session-1")

    call(mine, b"", method="DELETE")

    assert mine.refusal("session-1") == ""


def test_api_bodies_have_the_upload_limit_and_other_bodies_a_small_one():
    assert call(quota(), b"a", length=10**6, path="/api/predict", method="POST").status == 413
    assert call(quota(), b"a", length=900_000, path="/elsewhere", method="POST").status == 200
    assert call(quota(), b"a", length=1_100_000, path="/elsewhere", method="POST").status == 413


def test_incomplete_upload_never_reaches_the_app_and_releases_its_reservation():
    mine = quota()
    for _ in range(5):
        half = {"type": "http.request", "body": bytes(900), "more_body": True}
        caller = sent(mine, [half, {"type": "http.disconnect"}], length=1_000)
        assert (caller.status, caller.reached) == (0, [])

    assert call(mine, bytes(900), length=900).status == 200


def test_stalled_upload_is_given_up(monkeypatch):
    monkeypatch.setattr(upload_limits, "STALL_TIMEOUT_S", 0.01)
    half = {"type": "http.request", "body": b"a", "more_body": True}

    assert sent(quota(), [half, SILENT], length=1_000).reached == []


def test_too_slow_upload_is_given_up_and_releases_its_reservation():
    mine = quota()
    drop = {"type": "http.request", "body": b"a", "more_body": True, "after_s": 25.0}
    caller = sent(mine, [drop] * 10, length=1_000)

    assert (caller.status, caller.reached, len(caller.messages)) == (0, [], 7)
    assert call(mine, bytes(2_000), length=2_000).status == 200


def test_slow_but_steady_upload_is_accepted():
    mine = Quota(dict)
    piece = {"type": "http.request", "body": bytes(900_000), "more_body": True, "after_s": 40.0}
    caller = sent(mine, [*[piece] * 9, piece | {"more_body": False}], length=9_000_000)

    assert (caller.status, len(caller.reached[0])) == (200, 9_000_000)


def test_upload_without_an_open_page_is_refused_and_reserves_nothing(monkeypatch):
    mine = quota()
    monkeypatch.setattr(mine, "reserve", lambda *_: pytest.fail("space was reserved"))
    caller = call(mine, b"a", b"b", length=900, path=UPLOAD.replace("session-1", "invented"))

    assert (caller.status, caller.reached, caller.messages) == (400, [], [])
    assert json.loads(caller.answer)["detail"].startswith("No open page belongs to this upload")


def test_middleware_checks_the_open_sessions_of_the_server():
    [entry] = [entry for entry in middleware if entry.cls is UploadLimits]

    assert entry.kwargs["is_open_session"] is is_open_session


def test_discarding_an_endless_body_stops_at_the_limit(monkeypatch):
    monkeypatch.setattr(upload_limits, "MAX_DRAIN_BYTES", 50)
    caller = call(quota(), *[bytes(10)] * 100, length=10**9)

    assert caller.status == 413
    assert len(caller.messages) == 95


def test_uploaded_file_is_parsed_in_memory():
    assert MultiPartParser.spool_max_size > MAX_FILE_BYTES


@pytest.mark.parametrize("path", ["/_stcore/upload_file/s/f", "/base/_stcore/upload_file/s/f"])
def test_upload_below_a_base_path_is_recognised(path):
    full = quota(s=StorageUsage(1, 2_000))

    assert call(full, b"a", length=1, path=path).status == 413
