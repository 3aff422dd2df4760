"""ASGI middleware that reads request bodies under the quotas before the app receives them.

Streamlit limits the size of one file, but not the number of files or the total per visitor and
server. A body whose announced length exceeds a quota is refused at once; a body without a length
is counted while it arrives. An incomplete body never reaches the app, which would log an error for
it. A refusal (413) is sent after the rest of the body was discarded, because a browser that is
still sending does not read a response.

The announced length counts as stored until the body is complete or given up. Therefore an upload
for a session without an open page is refused, and one that arrives too slowly is given up.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse

from idc.server.quotas import Quota, QuotaExceeded, Reservation
from idc.server.streamlit_internals import UPLOAD_ENDPOINT, keep_form_files_in_memory
from idc.uploads.gate import MAX_FILE_BYTES

MAX_OTHER_BYTES = 10**6
STALL_TIMEOUT_S = 60.0  # between two chunks of a body
MIN_BYTES_PER_S = 20_000  # average rate of a body, after ...
SLOW_START_GRACE_S = 60.0  # ... this time
DRAIN_TIMEOUT_S = 60.0
MAX_DRAIN_BYTES = 2 * MAX_FILE_BYTES

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Any], Awaitable[None]]

_now_s = time.monotonic

_UPLOAD = re.compile(re.escape(UPLOAD_ENDPOINT) + r"/([^/]+)/[^/]+/?$")
_API = re.compile(r"/api/")

_NO_SESSION = "No open page belongs to this upload; reload the page."

keep_form_files_in_memory(2 * MAX_FILE_BYTES)


class _BodyIncomplete(Exception):
    """The client disconnected, stalled, or sends too slowly."""


class UploadLimits:
    """ASGI middleware: limits the size of request bodies.

    Args:
        quota: for visitors' uploads by session, and for API calls by the caller's address.
        on_refusal: called with the owner whose upload was refused.
        is_open_session: whether a page is open under a session id; other uploads are refused.
    """

    def __init__(
        self,
        app: Any,
        quota: Quota,
        on_refusal: Callable[[str], None] = lambda owner: None,
        is_open_session: Callable[[str], bool] = lambda session: True,
    ) -> None:
        self._app = app
        self._quota = quota
        self._on_refusal = on_refusal
        self._is_open_session = is_open_session

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] not in ("PUT", "POST", "PATCH"):
            if scope["type"] == "http" and scope["method"] == "DELETE":
                self._quota.forget_refusal(_owner(scope))
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        owner = _owner(scope)
        if _UPLOAD.search(scope["path"]) and not self._is_open_session(owner):
            await _refuse(_NO_SESSION, 400, body, scope, receive, send)
            return
        try:
            with self._quota_for(scope["path"]).reserve(owner, _content_length(scope)) as reserved:
                await body.read(reserved)
                await self._app(scope, body.replay, send)
        except _BodyIncomplete:
            return
        except QuotaExceeded as error:
            await _refuse(str(error), 413, body, scope, receive, send)
            self._on_refusal(owner)

    def _quota_for(self, path: str) -> Quota:
        if _UPLOAD.search(path) or _API.search(path):
            return self._quota
        return Quota(dict, file_bytes=MAX_OTHER_BYTES)  # these bodies are not stored


async def discard_body(receive: Receive) -> None:
    """Receive and discard a body, within `MAX_DRAIN_BYTES` and `DRAIN_TIMEOUT_S`."""
    await _Body(receive).drain()


async def _refuse(
    sentence: str, status: int, body: "_Body", scope: Message, receive: Receive, send: Send
) -> None:
    await body.drain()
    response = JSONResponse({"detail": sentence}, status, {"connection": "close"})
    await response(scope, receive, send)


def _owner(scope: Message) -> str:
    """Whose quota counts: the session of an upload, else the client's address."""
    upload = _UPLOAD.search(scope["path"])
    if upload:
        return str(upload[1])
    client = scope.get("client") or ("unknown",)
    return f"address {client[0]}"


def _content_length(scope: Message) -> int:
    """The announced length of the body in bytes, 0 if none is announced."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


class _Body:
    """A request body: received into memory, then replayed to the app."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._chunks: deque[bytes] = deque()
        self._more_to_receive = True
        self._replayed = False

    async def read(self, reservation: Reservation) -> None:
        """Receive the whole body.

        Raises:
            QuotaExceeded: it is too long.
            _BodyIncomplete: it ended early, stalled or came too slowly.
        """
        total, began_s = 0, _now_s()
        while self._more_to_receive:
            left_s = began_s + SLOW_START_GRACE_S + total / MIN_BYTES_PER_S - _now_s()
            if left_s <= 0:
                raise _BodyIncomplete
            chunk = await self._next(min(STALL_TIMEOUT_S, left_s))
            total += len(chunk)
            if total > reservation.bytes:
                reservation.grow(total)
            if chunk:
                self._chunks.append(chunk)

    async def replay(self) -> Message:
        """ASGI receive: returns the body, freeing each chunk, then later messages."""
        if self._replayed:
            return await self._receive()
        chunk = self._chunks.popleft() if self._chunks else b""
        self._replayed = not self._chunks
        return {"type": "http.request", "body": chunk, "more_body": not self._replayed}

    async def drain(self) -> None:
        """Discard received and further chunks, within the limits of size and time."""
        self._chunks.clear()
        left = MAX_DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while self._more_to_receive and left > 0:
                    left -= len(await self._next(STALL_TIMEOUT_S))
        except (TimeoutError, _BodyIncomplete):
            return

    async def _next(self, timeout_s: float) -> bytes:
        try:
            message = await asyncio.wait_for(self._receive(), timeout_s)
        except TimeoutError as error:
            raise _BodyIncomplete from error
        if message["type"] == "http.disconnect":
            raise _BodyIncomplete
        self._more_to_receive = message.get("more_body", False)
        return bytes(message.get("body", b""))
