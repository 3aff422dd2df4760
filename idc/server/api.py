"""A door for programs: ``POST /api/predict`` on the server that shows the pages.

Who may come in is settled before a byte of a body is read (`ApiAccessMiddleware`). Then the body
passes `idc.server.upload_limits` like a visitor's upload, and the work is done in threads of its
own: it takes its turn at the decoders and at the model with the visitors
(`idc.processes.fair_semaphore`), and the pages go on meanwhile.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idc.errors import ConfigError, PredictionError, RunError, ServerBusy, UploadError
from idc.server.api_prediction import MAX_FILES, predict_files
from idc.server.api_token import api_token, is_authorized
from idc.server.concurrency_limit import ConcurrencyLimit, TooManyRequests
from idc.server.upload_limits import Message, Receive, Send, discard_body
from idc.uploads.image_files import ImageFile

PATH = "/api/predict"
MAX_CONCURRENT_REQUESTS = 32  # requests that are answered or wait
MAX_REQUESTS_PER_CALLER = 16
THREADS = 8

_PREFIX = "/api/"
_RETRY_HEADERS = {"retry-after": "5"}
_MULTIPART = "multipart/form-data"
# The last one is what curl says by itself. What a file is, the gate finds out by its content.
_RAW_CONTENT_TYPES = ("", "application/octet-stream", "application/x-www-form-urlencoded")

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")


class Refused(Exception):
    """A request that gets no answer, with the response that it gets."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.response = JSONResponse({"detail": sentence}, status, headers)


class ApiAccessMiddleware:
    """ASGI middleware: lets in who brings the token while there is room, before bodies are read."""

    def __init__(
        self,
        app: Any,
        max_concurrent: int = MAX_CONCURRENT_REQUESTS,
        max_per_caller: int = MAX_REQUESTS_PER_CALLER,
    ) -> None:
        self._app = app
        self._limit = ConcurrencyLimit(max_concurrent, max_per_caller)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        try:
            _authorise(scope)
            with self._limit.place((scope.get("client") or ("unknown",))[0]):
                await self._app(scope, receive, send)
        except Refused as refused:
            await _refuse(refused, scope, receive, send)
        except TooManyRequests as too_many:
            await _refuse(_too_many_requests(too_many), scope, receive, send)


async def predict(request: Request) -> Response:
    """The pictures of a request, predicted; see ``docs/api.md``."""
    loop = asyncio.get_running_loop()
    try:
        files = await _files(request)
        run_id = request.query_params.get("run")
        answer = await loop.run_in_executor(_threads, predict_files, run_id, files)
    except Refused as refused:
        return refused.response
    except (ServerBusy, PredictionError) as error:
        return Refused(503, str(error), _RETRY_HEADERS).response
    except (UploadError, RunError) as error:
        return Refused(422, str(error)).response
    return JSONResponse(answer)


def _authorise(scope: Message) -> None:
    """Raises Refused where a request may not come in."""
    try:
        token = api_token()
    except ConfigError as error:
        logging.getLogger(__name__).error("The door for programs is closed. %s", error)
        token = None
    if token is None:
        raise Refused(404, "The door for programs is closed on this server; docs/api.md opens it.")
    if not is_authorized(Headers(scope=scope).get("authorization", ""), token):
        raise Refused(
            401,
            "The token is missing or wrong; send it as 'Authorization: Bearer TOKEN'.",
            {"www-authenticate": "Bearer"},
        )
    if scope["path"] != PATH:
        raise Refused(404, f"There is only POST {PATH} here.")
    if scope["method"] != "POST":
        raise Refused(405, f"Send the pictures with POST {PATH}.", {"allow": "POST"})


def _too_many_requests(too_many: TooManyRequests) -> Refused:
    if too_many.by_caller:
        sentence = (
            f"You have {MAX_REQUESTS_PER_CALLER} requests here already, the most at once; wait "
            "for them."
        )
        return Refused(429, sentence, _RETRY_HEADERS)
    return Refused(
        503, "The server has its hands full; try again in a few seconds.", _RETRY_HEADERS
    )


async def _refuse(refused: Refused, scope: Message, receive: Receive, send: Send) -> None:
    """Answer once the body was thrown away: who still sends would not read it otherwise."""
    await discard_body(receive)
    await refused.response(scope, receive, send)


async def _files(request: Request) -> list[ImageFile]:
    """The pictures of a body.

    Raises:
        Refused: it is of a kind that holds none, or holds none, or too many.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == _MULTIPART:
        return await _form_files(request)
    if kind not in _RAW_CONTENT_TYPES and not kind.startswith("image/"):
        raise Refused(
            415, f"Send a picture as it is (image/png, ...) or a form of several ({_MULTIPART})."
        )
    data = await request.body()
    if not data:
        raise Refused(422, "The body is empty; send a picture.")
    return [ImageFile(request.query_params.get("name", "image"), data)]


async def _form_files(request: Request) -> list[ImageFile]:
    try:
        form = await MultiPartParser(request.headers, _yielding_stream(request)).parse()
    except MultiPartException as error:
        raise Refused(400, f"The form cannot be read: {error.message}") from error
    try:
        parts = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        if not parts:
            raise Refused(422, "The form holds no file; curl sends one with -F file=@patch.png.")
        if len(parts) > MAX_FILES:
            raise Refused(413, f"A form may hold {MAX_FILES} files; send them in several.")
        return [ImageFile(part.filename or "image", await part.read()) for part in parts]
    finally:
        await form.close()


async def _yielding_stream(request: Request) -> AsyncGenerator[bytes, None]:
    """A body that lies in memory, in pieces between which the pages get their turn."""
    async for piece in request.stream():
        yield piece
        await asyncio.sleep(0)
