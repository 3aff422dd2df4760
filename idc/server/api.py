"""The HTTP API: ``POST /api/predict`` on the server of the pages.

`ApiAccessMiddleware` checks token and concurrency limit before a body is read. The body then
passes `idc.server.upload_limits` like a visitor's upload. The prediction runs in a thread pool,
so the event loop keeps serving pages, and it queues for decoders and model in turn with visitors
(`idc.processes.fair_semaphore`).
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

PREDICT_PATH = "/api/predict"
MAX_CONCURRENT_REQUESTS = 32  # in progress or queued
MAX_REQUESTS_PER_CALLER = 16
THREADS = 8

_PREFIX = "/api/"
_RETRY_HEADERS = {"retry-after": "5"}
_MULTIPART = "multipart/form-data"
# curl sends the last one by default. The gate detects the file format by content.
_RAW_CONTENT_TYPES = ("", "application/octet-stream", "application/x-www-form-urlencoded")

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")


class Refused(Exception):
    """A request is refused; ``response`` is the response to send."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.response = JSONResponse({"detail": sentence}, status, headers)


class ApiAccessMiddleware:
    """ASGI middleware: checks token and concurrency limit of API calls before bodies are read."""

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
            with self._limit.slot((scope.get("client") or ("unknown",))[0]):
                await self._app(scope, receive, send)
        except Refused as refused:
            await _refuse(refused, scope, receive, send)
        except TooManyRequests as too_many:
            await _refuse(_too_many_requests(too_many), scope, receive, send)


async def predict(request: Request) -> Response:
    """Predict the images of a request; see ``docs/api.md``."""
    loop = asyncio.get_running_loop()
    try:
        files = await _files(request)
        run_id = request.query_params.get("run")
        result = await loop.run_in_executor(_threads, predict_files, run_id, files)
    except Refused as refused:
        return refused.response
    except (ServerBusy, PredictionError) as error:
        return Refused(503, str(error), _RETRY_HEADERS).response
    except (UploadError, RunError) as error:
        return Refused(422, str(error)).response
    return JSONResponse(result)


def _authorise(scope: Message) -> None:
    """Check token, path and method.

    Raises:
        Refused: one of them is wrong, or the API is disabled.
    """
    try:
        token = api_token()
    except ConfigError as error:
        logging.getLogger(__name__).error("The HTTP API is disabled. %s", error)
        token = None
    if token is None:
        raise Refused(404, "The HTTP API is disabled on this server; docs/api.md enables it.")
    if not is_authorized(Headers(scope=scope).get("authorization", ""), token):
        raise Refused(
            401,
            "The token is missing or wrong; send it as 'Authorization: Bearer TOKEN'.",
            {"www-authenticate": "Bearer"},
        )
    if scope["path"] != PREDICT_PATH:
        raise Refused(404, f"The only address of the API is POST {PREDICT_PATH}.")
    if scope["method"] != "POST":
        raise Refused(405, f"Send the images with POST {PREDICT_PATH}.", {"allow": "POST"})


def _too_many_requests(too_many: TooManyRequests) -> Refused:
    if too_many.by_caller:
        sentence = (
            f"You have {MAX_REQUESTS_PER_CALLER} requests in progress, the limit; wait until one "
            "has finished."
        )
        return Refused(429, sentence, _RETRY_HEADERS)
    return Refused(503, "The server is busy; try again in a few seconds.", _RETRY_HEADERS)


async def _refuse(refused: Refused, scope: Message, receive: Receive, send: Send) -> None:
    """Discard the body, then respond: a client that is still sending does not read a response."""
    await discard_body(receive)
    await refused.response(scope, receive, send)


async def _files(request: Request) -> list[ImageFile]:
    """The image files of a request's body.

    Raises:
        Refused: the body is of another type, empty, or holds too many files.
    """
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == _MULTIPART:
        return await _form_files(request)
    if content_type not in _RAW_CONTENT_TYPES and not content_type.startswith("image/"):
        raise Refused(
            415, f"Send an image as the body (image/png, ...) or a form of several ({_MULTIPART})."
        )
    data = await request.body()
    if not data:
        raise Refused(422, "The body is empty; send an image.")
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
            raise Refused(413, f"A form may hold {MAX_FILES} files; send several forms.")
        return [ImageFile(part.filename or "image", await part.read()) for part in parts]
    finally:
        await form.close()


async def _yielding_stream(request: Request) -> AsyncGenerator[bytes, None]:
    """The chunks of a body in memory; the event loop serves other requests between them."""
    async for chunk in request.stream():
        yield chunk
        await asyncio.sleep(0)
