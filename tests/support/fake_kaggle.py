"""A fake Kaggle over HTTP on loopback: the API on one port, the storage on another.

The API answers a download request with a 302 to a signed address of the storage, as Kaggle does.
Failures are scripted: each request takes the next entry; without one the response is correct.
"""

import base64
import hashlib
import io
import json
import sys
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.made_patches import png

DOWNLOAD = "/v1/datasets.DatasetApiService/DownloadDataset"
HELLO = "/v1/api.v1.DiagnosticsService/Hello"
SIGNATURE = "X-Goog-Signature=5167ed"


def patches_zip(count: int = 3, *, case: int = 8863, filler_bytes: int = 0) -> bytes:
    """A zip with two copies of each patch, as Kaggle's has, and an optional filler member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            name = f"{case}/0/{case}_idx5_x{1 + 50 * number}_y1_class0.png"
            archive.writestr(name, png((200, 100, 10 + number)))
            archive.writestr(f"IDC_regular_ps50_idx5/{name}", png((200, 100, 10 + number)))
        if filler_bytes:
            archive.writestr("filler.bin", bytes(filler_bytes))
    return buffer.getvalue()


@dataclass
class Answer:
    """How the response to one request deviates from the correct one.

    Attributes:
        status: respond with this status and without a file.
        cut_after: close the connection after this many bytes of the body.
        stall_after: send nothing more after this many bytes of the body; -1: no response at all.
        ignore_range: send the whole file in spite of a Range header.
        flip: position of the byte whose bits are flipped.
        length: the Content-Length.
        etag: replace the file's tag by this one first.
        html: send a web page with status 200.
    """

    status: int | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    ignore_range: bool = False
    flip: int | None = None
    length: int | None = None
    etag: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    html: bool = False


@dataclass
class Request:
    """One received request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class FakeKaggle:
    """Both servers.

    Attributes:
        body: the file. ``etag``: its tag; None sends none.
        accepted: valid Authorization headers; None accepts all requests.
        api, storage: the scripts of the next requests.
        api_requests, storage_requests: the requests received.
        stalling: set when a response stalls. ``end_stalls``: set it to end all stalls.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.etag: str | None = '"first"'
        self.send_md5 = True
        self.accepted: set[str] | None = None
        self.api: list[Answer] = []
        self.storage: list[Answer] = []
        self.api_requests: list[Request] = []
        self.storage_requests: list[Request] = []
        self.end_stalls = threading.Event()
        self.stalling = threading.Event()
        self._servers = [self._serve(_Storage), self._serve(_Api)]
        self.storage_url, self.url = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )

    def close(self) -> None:
        self.end_stalls.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def requested_ranges(self) -> list[str | None]:
        """The Range header of each request for the file (not those of followed redirects)."""
        return [
            request.headers.get("Range")
            for request in self.storage_requests
            if request.headers.get("Accept-Encoding") == "identity"
        ]

    def _serve(self, kind: type["_Handler"]) -> ThreadingHTTPServer:
        handler = type(kind.__name__, (kind,), {"kaggle": self})
        server = _Server(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # the client may close the connection
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    kaggle: FakeKaggle
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        """Log nothing."""

    def read_request(self) -> Request:
        length = int(self.headers.get("Content-Length") or 0)
        split = urlsplit(self.path)
        return Request(
            self.command, split.path, split.query, dict(self.headers), self.rfile.read(length)
        )

    def stall(self) -> None:
        self.kaggle.stalling.set()
        self.kaggle.end_stalls.wait()
        self.close_connection = True

    def send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send(status, {"Content-Type": "application/json", **(headers or {})}, body)


class _Api(_Handler):
    def do_POST(self) -> None:
        request = self.read_request()
        self.kaggle.api_requests.append(request)
        answer = self.kaggle.api.pop(0) if self.kaggle.api else Answer()
        if answer.stall_after is not None:
            self.stall()
        elif answer.status is not None:
            self.send_json(answer.status, {"code": answer.status, "message": "no"}, answer.headers)
        elif answer.html:
            self.send(200, {"Content-Type": "text/html"}, b"<html>Accept our terms</html>")
        elif not self.is_accepted(request):
            self.send_json(401, {"code": 401, "message": "Unauthenticated"})
        elif request.path == HELLO:
            signed_in = "Authorization" in request.headers
            self.send_json(200, {"userName": "ada"} if signed_in else {})
        elif request.path == DOWNLOAD:
            self.send(302, {"Location": f"{self.kaggle.storage_url}/archive.zip?{SIGNATURE}"})
        else:
            self.send_json(404, {"code": 404, "message": "Not found"})

    def is_accepted(self, request: Request) -> bool:
        accepted = self.kaggle.accepted
        return accepted is None or request.headers.get("Authorization") in accepted


class _Storage(_Handler):
    def do_GET(self) -> None:
        request = self.read_request()
        self.kaggle.storage_requests.append(request)
        # The kaggle package follows the redirect with a request of its own, which is not scripted.
        scripted = request.headers.get("Accept-Encoding") == "identity" and self.kaggle.storage
        answer = self.kaggle.storage.pop(0) if scripted else Answer()
        if answer.stall_after == -1:
            self.stall()
            return
        if answer.status is not None:
            self.send(answer.status, answer.headers)
            return
        if answer.html:
            self.send(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Back soon</html>")
            return
        self.send_file(request, answer)

    def send_file(self, request: Request, answer: Answer) -> None:
        self.kaggle.etag = answer.etag or self.kaggle.etag
        body = bytearray(self.kaggle.body)
        if answer.flip is not None:
            body[answer.flip] ^= 0xFF
        first = self.first_byte(request, answer)
        rest = bytes(body[first:])
        headers = {
            "Content-Type": "application/zip",
            "Accept-Ranges": "bytes",
            "Content-Length": str(len(rest) if answer.length is None else answer.length),
        }
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        if self.kaggle.etag is not None:
            headers["ETag"] = self.kaggle.etag
        if self.kaggle.send_md5:
            digest = base64.b64encode(hashlib.md5(self.kaggle.body).digest()).decode()
            headers["x-goog-hash"] = f"crc32c=AAAAAA==,md5={digest}"
        self.send_response(206 if first else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        until = answer.cut_after if answer.cut_after is not None else answer.stall_after
        try:
            self.wfile.write(rest[:until])
            self.wfile.flush()
        except OSError:
            return  # the client closed the connection
        if answer.stall_after is not None:
            self.stall()
        if until is not None or answer.length is not None:
            self.close_connection = True

    def first_byte(self, request: Request, answer: Answer) -> int:
        wanted = request.headers.get("Range")
        same = request.headers.get("If-Range") in (None, self.kaggle.etag)
        if wanted is None or answer.ignore_range or not same:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))
