"""The server around the pages: warm-up, health check, security headers, limits and HTTP API."""

import contextlib
import faulthandler
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit import App

from idc import __version__
from idc.errors import ConfigError, IdcError
from idc.prediction.engines import worker_alive
from idc.prediction.predictor import warm_predictor
from idc.processes.child import ChildDied
from idc.server.api import PREDICT_PATH, ApiAccessMiddleware, predict
from idc.server.api_token import api_token
from idc.server.browser_modules import module_route
from idc.server.streamlit_internals import is_open_session, rerun_session
from idc.server.upload_limits import UploadLimits
from idc.server.upload_usage import quota
from idc.uploads.gate import warm_gate

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self' ws: wss:; "
    "worker-src 'self' blob:; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


@contextlib.asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[dict[str, Any] | None]:
    """Start the decoder and the predictor in the background: importing TensorFlow takes seconds."""
    if sys.__stderr__ is not None:  # "kill -USR1" writes every thread's stack to stderr
        faulthandler.register(signal.SIGUSR1, file=sys.__stderr__)
    try:
        api_token()
    except ConfigError as error:
        logging.getLogger(__name__).error("The HTTP API is disabled. %s", error)
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    yield None


async def healthz(request: Request) -> JSONResponse:
    """Health check for monitoring. A worker that is not running starts with the next patch."""
    worker = "alive" if worker_alive() else "not running"
    return JSONResponse({"status": "ok", "version": __version__, "worker": worker})


class SecurityHeaders:
    """ASGI middleware: adds the security headers that Streamlit does not send."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


routes = [
    Route("/healthz", healthz),
    Route(PREDICT_PATH, predict, methods=["POST"]),
    module_route,
]
middleware = [
    Middleware(SecurityHeaders),
    Middleware(ApiAccessMiddleware),
    # After a refusal, rerun the page so that it shows the reason. A refused file is no event for
    # Streamlit, and a fragment on a timer may replace the run that accepted files trigger.
    Middleware(
        UploadLimits, quota=quota, on_refusal=rerun_session, is_open_session=is_open_session
    ),
]


def _warm_up() -> None:
    try:
        warm_gate()
        warm_predictor()
    except (IdcError, ChildDied) as error:  # a page shows the error when it needs the worker
        logging.getLogger(__name__).warning("Warm-up: %s", error)
