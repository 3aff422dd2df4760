"""Bodies of requests are read here, under the quotas, before the app sees anything of them.

Streamlit limits the size of one file, but neither their number nor what a visitor or all visitors
together keep. A body that announces too much is refused at once, one that announces nothing is
counted as it comes. What was cut off on its way never reaches the app, which would print an error
of its own for it. A refusal is answered with 413 once the rest was thrown away: a browser that
still sends would not read it otherwise.

What is announced counts as kept until it has come or is given up. So an upload for a page that
nobody has open gets no room at all, and one that drips is given up.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.formparsers import MultiPartParser
from starlette.responses import JSONResponse

from idc.server.quotas import Quota, QuotaExceeded, Reservation
from idc.uploads.gate import MAX_FILE_BYTES

MAX_OTHER_BYTES = 10**6
STALL_TIMEOUT_S = 60.0  # between two pieces of a body
MIN_BYTES_PER_S = 20_000  # of a body on average, once it has come for ...
SLOW_START_GRACE_S = 60.0  # ... so long
DRAIN_TIMEOUT_S = 60.0
MAX_DRAIN_BYTES = 2 * MAX_FILE_BYTES

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Any], Awaitable[None]]

_now_s = time.monotonic

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?$")
_API = re.compile(r"/api/")

_NO_SESSION = "There is no page open that this file could be for; load the page again."

# A form's file of more than 1 MB would go to a temporary file on its way into memory.
MultiPartParser.spool_max_size = 2 * MAX_FILE_BYTES


class _BodyIncomplete(Exception):
    """The visitor hung up, fell silent, or sends next to nothing."""


class UploadLimits:
    """ASGI middleware: at most so many bytes come in.

    Args:
        quota: of the visitors' uploads, by session, and of API calls, by the caller's address.
        on_refusal: called with the owner whose upload was refused.
        is_session: whether a page is open under an id; uploads for others are refused.
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
        self._is_session = is_open_session

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] not in ("PUT", "POST", "PATCH"):
            if scope["type"] == "http" and scope["method"] == "DELETE":
                self._quota.forget_refusal(_owner(scope))
            await self._app(scope, receive, send)
            return
        body = _Body(receive)
        if _UPLOAD.search(scope["path"]) and not self._is_session(_owner(scope)):
            await _refuse(_NO_SESSION, 400, body, scope, receive, send)
            return
        try:
            with self._quota_of(scope["path"]).room(_owner(scope), _content_length(scope)) as room:
                await body.read(room)
                await self._app(scope, body.replay, send)
        except _BodyIncomplete:
            return
        except QuotaExceeded as error:
            await _refuse(str(error), 413, body, scope, receive, send)
            self._on_refusal(_owner(scope))

    def _quota_of(self, path: str) -> Quota:
        if _UPLOAD.search(path) or _API.search(path):
            return self._quota
        return Quota(dict, file_bytes=MAX_OTHER_BYTES)  # nothing of these is kept


async def discard_body(receive: Receive) -> None:
    """Throw a body away that nobody reads, as far as that is bearable."""
    await _Body(receive).drain()


async def _refuse(
    sentence: str, status: int, body: "_Body", scope: Message, receive: Receive, send: Send
) -> None:
    await body.drain()
    answer = JSONResponse({"detail": sentence}, status, {"connection": "close"})
    await answer(scope, receive, send)


def _owner(scope: Message) -> str:
    """Whose quota it is: the session's, else the address's."""
    upload = _UPLOAD.search(scope["path"])
    if upload:
        return str(upload[1])
    client = scope.get("client") or ("unknown",)
    return f"address {client[0]}"


def _content_length(scope: Message) -> int:
    """How long the body says it is, 0 where it does not say."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


class _Body:
    """A body on its way from the server into memory, and from there to the app."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: deque[bytes] = deque()
        self._more = True  # to come
        self._replayed = False

    async def read(self, room: Reservation) -> None:
        """Read all of it.

        Raises:
            OverQuota: it is too long.
            _CutOff: it does not come to its end.
        """
        total, began_s = 0, _now_s()
        while self._more:
            left_s = began_s + SLOW_START_GRACE_S + total / MIN_BYTES_PER_S - _now_s()
            if left_s <= 0:
                raise _BodyIncomplete
            piece = await self._next(min(STALL_TIMEOUT_S, left_s))
            total += len(piece)
            if total > room.bytes:
                room.grow(total)
            if piece:
                self._pieces.append(piece)

    async def replay(self) -> Message:
        """A `receive` that gives the body, letting go of each piece, and then what comes after."""
        if self._replayed:
            return await self._receive()
        piece = self._pieces.popleft() if self._pieces else b""
        self._replayed = not self._pieces
        return {"type": "http.request", "body": piece, "more_body": not self._replayed}

    async def drain(self) -> None:
        """Throw away what is there and what is to come, as far as that is bearable."""
        self._pieces.clear()
        left = MAX_DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while self._more and left > 0:
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
        self._more = message.get("more_body", False)
        return bytes(message.get("body", b""))
