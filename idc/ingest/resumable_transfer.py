"""Resumable HTTP download of one large file, with a read timeout and retries.

The downloader of the kaggle package hangs forever on a silent connection and cannot be stopped, so
the package only reports the file's address (`idc.ingest.kaggle`), and the bytes are fetched here.
"""

import base64
import contextlib
import email.utils
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import urllib3

from idc import __version__
from idc.errors import DownloadError
from idc.files import atomic
from idc.ingest.retry_policy import RetryPolicy
from idc.ingest.stop_signal import StopSignal
from idc.wording import duration

USER_AGENT = f"idc-lab/{__version__}"

_BLOCK_BYTES = 2**20

TransferProgressCallback = Callable[[int, int | None, str], None]


class TransientError(Exception):
    """A failure that may pass: try again.

    Attributes:
        what: what happened, the beginning of a sentence. Holds no address: it may be signed.
        retry_after_s: the pause that the server requests.
    """

    def __init__(self, what: str, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class RemoteFile:
    """The address and the identity of a file.

    Attributes:
        url: signed: anyone who has it can download, so it is never shown or stored.
        size: bytes; None when the server does not send it.
        validator: the strong ETag, else the modification date; None without either: a partial
            download then cannot be matched to its file.
        md5: 16 bytes; None when the server does not send it.
    """

    url: str = field(repr=False)
    size: int | None
    validator: str | None
    md5: bytes | None

    @classmethod
    def from_response(cls, response: requests.Response) -> "RemoteFile":
        """Read the headers of a response with the whole file (not a range)."""
        etag = response.headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else None
        length = response.headers.get("Content-Length", "")
        return cls(
            url=response.url,
            size=int(length) if length.isdecimal() else None,
            validator=strong or response.headers.get("Last-Modified"),
            md5=_md5(response.headers),
        )


class PartialDownload:
    """The bytes received so far, ``<path>``, and the identity of their file, ``<path>.json``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity_path = path.with_name(path.name + ".json")

    @property
    def length(self) -> int:
        """Bytes received so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def belongs_to(self, remote: RemoteFile) -> bool:
        """Whether the bytes are the beginning of this file."""
        try:
            identity = json.loads(self._identity_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return remote.validator is not None and identity == _identity(remote)

    def begin(self, remote: RemoteFile) -> None:
        """Delete the bytes received so far and record the identity of a new file."""
        self.delete()
        atomic.replace_json(self._identity_path, _identity(remote))

    def delete(self) -> None:
        """Delete the bytes and the identity."""
        self.path.unlink(missing_ok=True)
        self._identity_path.unlink(missing_ok=True)

    def truncate_by(self, count: int) -> None:
        """Remove the last ``count`` bytes."""
        if self.path.exists():
            os.truncate(self.path, max(0, self.length - count))

    def rename(self, target: Path) -> None:
        """Rename the complete file."""
        atomic.sync_file(self.path)
        self.path.replace(target)
        atomic.sync_folder(target.parent)
        self._identity_path.unlink(missing_ok=True)


def fetch(
    find: Callable[[], RemoteFile],
    partial: PartialDownload,
    *,
    limits: RetryPolicy,
    stop: StopSignal,
    on_progress: TransferProgressCallback,
    check_disk_space: Callable[[int, int], None],
) -> RemoteFile:
    """Complete ``partial``, resuming an earlier transfer if the file is unchanged.

    Args:
        find: requests the address of the file; called for each attempt, since addresses expire.
        on_progress: called with (bytes received, bytes in all, problem or "").
        check_disk_space: called with (bytes received, bytes in all) before the transfer; raises if
            the disk is too small.

    Raises:
        DownloadError: all attempts failed; the bytes received are kept.
        StopRequested: the bytes received are kept.
    """
    # Only a new maximum counts as progress. Otherwise a server that ignores ranges and always cuts
    # at the same byte would be retried forever.
    longest_so_far, failed_attempts = partial.length, 0
    while True:
        try:
            with _disk_errors(partial.path), transient_network_errors(limits.stall_s):
                return _attempt(find, partial, limits, stop, on_progress, check_disk_space)
        except TransientError as error:
            received = partial.length
            failed_attempts = 0 if received > longest_so_far else failed_attempts + 1
            longest_so_far = max(longest_so_far, received)
            if failed_attempts >= limits.tries:
                raise DownloadError(
                    f"{error.what}, {failed_attempts} times in a row. The bytes received are kept; "
                    "resume later."
                ) from None
            pause_s = limits.pause_s(max(failed_attempts, 1), error.retry_after_s)
            on_progress(received, None, f"{error.what}; trying again in {duration(pause_s)}")
            stop.sleep(pause_s)


@contextlib.contextmanager
def transient_network_errors(stall_s: float) -> Iterator[None]:
    """Turn network errors into `TransientError`.

    The libraries' messages may hold a signed address and are dropped.
    """
    try:
        yield
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise TransientError(f"Kaggle sent nothing for {duration(stall_s)}") from None
    except requests.exceptions.SSLError:
        raise TransientError("A secure connection to Kaggle failed") from None
    except requests.exceptions.ConnectionError:
        raise TransientError("Kaggle cannot be reached, or closed the connection") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise TransientError("The connection to Kaggle was interrupted") from None


def raise_if_transient(status: int, headers: Mapping[str, str]) -> None:
    """Check an HTTP status.

    Raises:
        TransientError: the status means "try again later".
    """
    if status == 429:
        raise TransientError("Kaggle limits the request rate (HTTP 429)", _retry_after_s(headers))
    if status >= 500 or status == 408:
        raise TransientError(f"Kaggle has a server error (HTTP {status})", _retry_after_s(headers))


def _attempt(
    find: Callable[[], RemoteFile],
    partial: PartialDownload,
    limits: RetryPolicy,
    stop: StopSignal,
    on_progress: TransferProgressCallback,
    check_disk_space: Callable[[int, int], None],
) -> RemoteFile:
    on_progress(partial.length, None, "")
    with stop.blocking():
        remote = find()
    if not partial.belongs_to(remote) or (remote.size or partial.length) < partial.length:
        partial.begin(remote)
    if remote.size is not None:
        check_disk_space(partial.length, remote.size)
        if partial.length == remote.size:
            return remote
    with stop.blocking():
        response = _request_body(remote, partial.length, limits.stall_s)
    with response:
        remote = _resume_or_restart(response, remote, partial)
        _append_body(response, partial, remote, stop, on_progress)
    if remote.size is not None and partial.length != remote.size:
        raise TransientError("The transfer was cut short")
    return remote


def _request_body(remote: RemoteFile, resume_from: int, stall_s: float) -> requests.Response:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if resume_from:
        # If-Range: the server sends the whole file instead of the range if it has changed.
        headers |= {"Range": f"bytes={resume_from}-", "If-Range": remote.validator or ""}
    return requests.get(remote.url, headers=headers, stream=True, timeout=stall_s)


def _resume_or_restart(
    response: requests.Response, remote: RemoteFile, partial: PartialDownload
) -> RemoteFile:
    """Prepare ``partial`` for the body: the missing range, or the whole file."""
    raise_if_transient(response.status_code, response.headers)
    if response.status_code == 206:
        content_range = response.headers.get("Content-Range", "")
        total = f"/{remote.size}" if remote.size is not None else ""
        if content_range.startswith(f"bytes {partial.length}-") and content_range.endswith(total):
            return remote
    if response.status_code == 200:
        if "text/html" in response.headers.get("Content-Type", ""):
            # A login or maintenance page must not replace the bytes received.
            raise TransientError("The server sent a web page instead of the file")
        whole = RemoteFile.from_response(response)
        partial.begin(whole)
        return whole
    if response.status_code in (206, 416):
        partial.delete()
        raise TransientError("Kaggle sent a different range than requested")
    raise TransientError(f"The address of the file has expired (HTTP {response.status_code})")


def _append_body(
    response: requests.Response,
    partial: PartialDownload,
    remote: RemoteFile,
    stop: StopSignal,
    on_progress: TransferProgressCallback,
) -> None:
    received = partial.length
    with partial.path.open("ab") as file:
        while True:
            with stop.blocking():
                block = response.raw.read1(_BLOCK_BYTES, decode_content=False)
            if not block:
                return
            file.write(block)
            file.flush()  # a killed process keeps all bytes that it reported
            received += len(block)
            on_progress(received, remote.size, "")


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # network errors are `TransientError` at this point
        raise DownloadError(
            f"'{path.parent}' cannot be written ({error.strerror or error}). The bytes received "
            "are kept; free some space or check the folder's permissions, then resume."
        ) from error


def _identity(remote: RemoteFile) -> dict[str, Any]:
    return {"validator": remote.validator, "size": remote.size}


def _md5(headers: Mapping[str, str]) -> bytes | None:
    """The digest in ``x-goog-hash: crc32c=...,md5=...``, as Kaggle's storage sends it."""
    for part in headers.get("x-goog-hash", "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            with contextlib.suppress(ValueError):  # not base64: no digest
                return base64.b64decode(value, validate=True)
    return None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None
