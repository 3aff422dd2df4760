"""idc.server.upload_limits: no more of a body comes in than the quotas allow."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from idc.server import upload_limits, upload_usage
from idc.server.app import middleware
from idc.server.quotas import Quota, StorageUsage
from idc.server.upload_limits import UploadLimits
from idc.server.upload_usage import is_open_session
from idc.uploads.gate import MAX_FILE_BYTES

UPLOAD = "/_stcore/upload_file/session-1/file-1"
FRAMING = 10_000
SILENT = {"type": "silent"}
SESSIONS = ("session-1", "session-2", "s")


class Caller:
    """Sends one request to the middleware, piece by piece, and keeps what comes back."""

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
    """Call with a body in pieces; ``length`` is what the header says, if it says something."""
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
        asyncio.run(caller.limits(scope, caller.receive, caller.send))
    return caller


def quota(**kept: StorageUsage) -> Quota:
    return Quota(lambda: kept, file_bytes=1_000, owner_bytes=2_000, total_bytes=5_000)


def test_body_within_the_limits_reaches_the_app_unchanged():
    for length in (6, None):
        caller = call(quota(), b"abc", b"", b"def", length=length)
        assert (caller.status, caller.reached) == (200, [b"abcdef"])


def test_empty_body_reaches_the_app():
    assert call(quota(), b"").reached == [b""]


def test_announced_length_over_the_limit_is_refused_and_the_body_thrown_away():
    caller = call(quota(), b"a", b"b", length=1_001 + FRAMING)

    assert (caller.status, caller.reached, caller.messages) == (413, [], [])
    assert json.loads(caller.answer)["detail"].startswith("A file of more than 0.001 MB is not")


def test_unannounced_body_is_counted_as_it_comes():
    caller = call(quota(), *[bytes(5_000)] * 4)

    assert (caller.status, caller.reached, caller.messages) == (413, [], [])


def test_body_whose_last_piece_is_too_much_is_answered_at_once():
    assert call(quota(), bytes(1_001 + FRAMING)).status == 413  # and nobody waits for more


def test_quota_is_the_sessions_in_the_address():
    full = quota(**{"session-1": StorageUsage(1, 1_500)})

    assert call(full, bytes(501), length=501).status == 413
    assert full.refusal("session-1").startswith("Your files fill the 0.002 MB")
    assert call(full, bytes(501), length=501, path=UPLOAD.replace("-1/", "-2/")).status == 200


def test_removing_a_file_forgets_the_refusal():
    mine = quota()
    call(mine, b"a", length=10**6)
    assert mine.refusal("session-1")

    call(mine, b"", method="DELETE")

    assert mine.refusal("session-1") == ""


def test_calls_of_the_api_have_the_same_limit_and_other_bodies_a_small_one():
    assert call(quota(), b"a", length=10**6, path="/api/predict", method="POST").status == 413
    assert call(quota(), b"a", length=900_000, path="/elsewhere", method="POST").status == 200
    assert call(quota(), b"a", length=1_100_000, path="/elsewhere", method="POST").status == 413


def test_upload_that_is_cut_off_never_reaches_the_app_and_leaves_its_room():
    mine = quota()
    for _ in range(5):
        half = {"type": "http.request", "body": bytes(900), "more_body": True}
        caller = sent(mine, [half, {"type": "http.disconnect"}], length=1_000)
        assert (caller.status, caller.reached) == (0, [])

    assert call(mine, bytes(900), length=900).status == 200


def test_visitor_who_falls_silent_is_given_up(monkeypatch):
    monkeypatch.setattr(upload_limits, "STALL_TIMEOUT_S", 0.01)
    half = {"type": "http.request", "body": b"a", "more_body": True}

    assert sent(quota(), [half, SILENT], length=1_000).reached == []


def test_body_that_drips_is_given_up_and_leaves_its_room():
    mine = quota()
    drop = {"type": "http.request", "body": b"a", "more_body": True, "after_s": 25.0}
    caller = sent(mine, [drop] * 10, length=1_000)

    assert (caller.status, caller.reached, len(caller.messages)) == (0, [], 7)
    assert call(mine, bytes(2_000), length=2_000).status == 200


def test_body_that_comes_slowly_but_steadily_is_taken():
    mine = Quota(dict)
    piece = {"type": "http.request", "body": bytes(900_000), "more_body": True, "after_s": 40.0}
    caller = sent(mine, [*[piece] * 9, piece | {"more_body": False}], length=9_000_000)

    assert (caller.status, len(caller.reached[0])) == (200, 9_000_000)


def test_upload_for_a_page_that_nobody_has_open_is_refused_and_gets_no_room(monkeypatch):
    mine = quota()
    monkeypatch.setattr(mine, "room", lambda *_: pytest.fail("room was reserved"))
    caller = call(mine, b"a", b"b", length=900, path=UPLOAD.replace("session-1", "invented"))

    assert (caller.status, caller.reached, caller.messages) == (400, [], [])
    assert json.loads(caller.answer)["detail"].startswith("There is no page open")


def test_server_knows_its_sessions_and_lets_all_pass_where_none_runs(monkeypatch):
    assert is_open_session("any")
    instance = SimpleNamespace(is_active_session=lambda session: session == "open")
    monkeypatch.setattr(upload_usage.runtime, "exists", lambda: True)
    monkeypatch.setattr(upload_usage.runtime, "get_instance", lambda: instance)

    assert (is_open_session("open"), is_open_session("invented")) == (True, False)
    [entry] = [entry for entry in middleware if entry.cls is UploadLimits]
    assert entry.kwargs["is_open_session"] is is_open_session


def test_endless_body_is_not_thrown_away_for_ever(monkeypatch):
    monkeypatch.setattr(upload_limits, "MAX_DRAIN_BYTES", 50)
    caller = call(quota(), *[bytes(10)] * 100, length=10**9)

    assert caller.status == 413
    assert len(caller.messages) == 95


def test_uploaded_file_stays_in_memory_on_its_way():
    assert MultiPartParser.spool_max_size > MAX_FILE_BYTES


def test_server_has_the_limits():
    assert UploadLimits in [entry.cls for entry in middleware]


@pytest.mark.parametrize("path", ["/_stcore/upload_file/s/f", "/base/_stcore/upload_file/s/f"])
def test_upload_is_recognised_below_a_base_path_too(path):
    full = quota(s=StorageUsage(1, 2_000))

    assert call(full, b"a", length=1, path=path).status == 413
