"""Bring one large file over HTTP, whatever the line does: resume, notice silence, try again.

The kaggle package has a downloader too. It hangs for ever when the line falls silent, and cannot be
stopped; so the file's place is asked of the package (`idc.ingest.kaggle`), and its bytes are
fetched here.
"""

import base64
import contextlib
import email.utils
import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import urllib3

from idc import __version__
from idc.errors import DownloadError
from idc.files import atomic
from idc.ingest.stall_timeout import RetryPolicy, Stalled, iterate_with_timeout, wait
from idc.wording import duration

USER_AGENT = f"idc-lab/{__version__}"

_BLOCK_BYTES = 2**20

StopCheck = Callable[[], bool]
TransferProgressCallback = Callable[[int, int | None, str], None]


class TransientError(Exception):
    """Something that may pass: try again.

    Attributes:
        what: what happened, the beginning of a sentence. Holds no address: it may be signed.
        retry_after_s: the pause that the server asks for.
    """

    def __init__(self, what: str, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class RemoteFile:
    """Where a file is, and how to recognise it.

    Attributes:
        url: signed: whoever has it may download, so it is never shown or stored.
        size: bytes; None when the server does not say.
        validator: the strong ETag, else the date of change; None when there is neither, so that a
            file which was cut cannot be told from a newer one.
        md5: 16 bytes; None when the server does not say.
    """

    url: str = field(repr=False)
    size: int | None
    validator: str | None
    md5: bytes | None

    @classmethod
    def of(cls, response: requests.Response) -> "RemoteFile":
        """Read the headers of a whole answer (not of a part of the file)."""
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
    """What has arrived of a file, and of which file: ``<path>`` and ``<path>.json``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._about = path.with_name(path.name + ".json")

    @property
    def length(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def belongs_to(self, remote: RemoteFile) -> bool:
        """Whether the bytes are the beginning of this very file."""
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return remote.validator is not None and about == _identity(remote)

    def begin(self, remote: RemoteFile) -> None:
        """Forget what is here and expect this file."""
        self.delete()
        atomic.replace_json(self._about, _identity(remote))

    def delete(self) -> None:
        """Remove what is here."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def truncate_by(self, count: int) -> None:
        """Cut so many bytes off the end."""
        if self.path.exists():
            os.truncate(self.path, max(0, self.length - count))

    def rename(self, target: Path) -> None:
        """Give the whole file its final name."""
        atomic.sync_file(self.path)
        self.path.replace(target)
        atomic.sync_folder(target.parent)
        self._about.unlink(missing_ok=True)


def fetch(
    find: Callable[[], RemoteFile],
    partial: PartialDownload,
    *,
    limits: RetryPolicy,
    stopped: StopCheck,
    on_progress: TransferProgressCallback,
    check_disk_space: Callable[[int, int], None],
) -> RemoteFile:
    """Complete ``partial``; go on where an earlier call was cut, if it is still the same file.

    Args:
        find: asks where the file is; called anew for each attempt, since addresses expire.
        on_progress: called with (bytes here, bytes in all, what the matter is).
        check_room: called with (bytes here, bytes in all) before bytes come; raises if the disk is
            too small.

    Raises:
        DownloadError: it does not work out; what arrived is kept.
        Stopped: ``stopped()`` became true; what arrived is kept.
    """
    # Only more bytes than ever before count as progress: a server that ignores ranges and always
    # cuts at the same place would be asked for ever.
    longest_so_far, failed_attempts = partial.length, 0
    while True:
        try:
            with _disk_errors(partial.path), transient_network_errors(limits.stall_s):
                return _attempt(find, partial, limits, stopped, on_progress, check_disk_space)
        except TransientError as trouble:
            here = partial.length
            failed_attempts = 0 if here > longest_so_far else failed_attempts + 1
            longest_so_far = max(longest_so_far, here)
            if failed_attempts >= limits.tries:
                raise DownloadError(
                    f"{trouble.what}, {failed_attempts} times in a row. What arrived is kept; "
                    "go on "
                    "later."
                ) from None
            pause_s = limits.pause_s(max(failed_attempts, 1), trouble.retry_after_s)
            on_progress(here, None, f"{trouble.what}; trying again in {duration(pause_s)}")
            wait(pause_s, stopped)


@contextlib.contextmanager
def transient_network_errors(stall_s: float) -> Iterator[None]:
    """Turn what goes wrong on the line into `TransientError`.

    The libraries' messages hold the address, which may be signed: they are not passed on.
    """
    try:
        yield
    except (Stalled, requests.Timeout, urllib3.exceptions.TimeoutError):
        raise TransientError(f"Nothing came from Kaggle for {duration(stall_s)}") from None
    except requests.exceptions.SSLError:
        raise TransientError("There is no secure connection to Kaggle") from None
    except requests.exceptions.ConnectionError:
        raise TransientError("Kaggle cannot be reached, or hung up") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise TransientError("The connection to Kaggle broke off") from None


def raise_if_transient(status: int, headers: Mapping[str, str]) -> None:
    """Tell an answer from "later, please".

    Raises:
        Trouble: a status that may pass.
    """
    if status == 429:
        raise TransientError("Kaggle asks for a pause (HTTP 429)", _retry_after_s(headers))
    if status >= 500 or status == 408:
        raise TransientError(
            f"Kaggle has trouble of its own (HTTP {status})", _retry_after_s(headers)
        )


def _attempt(
    find: Callable[[], RemoteFile],
    partial: PartialDownload,
    limits: RetryPolicy,
    stopped: StopCheck,
    on_progress: TransferProgressCallback,
    check_disk_space: Callable[[int, int], None],
) -> RemoteFile:
    on_progress(partial.length, None, "")
    remote = next(iterate_with_timeout(lambda: _found_file(find), limits.stall_s, stopped))
    if not partial.belongs_to(remote) or (remote.size or partial.length) < partial.length:
        partial.begin(remote)
    if remote.size is not None:
        check_disk_space(partial.length, remote.size)
        if partial.length == remote.size:
            return remote
    resume_from, found = partial.length, remote
    with contextlib.closing(
        iterate_with_timeout(
            lambda: _response_blocks(found, resume_from, limits.stall_s), limits.stall_s, stopped
        )
    ) as arriving:
        head: Any = next(arriving)
        remote = _resume_or_restart(head, found, partial)
        _append_blocks(arriving, partial, remote, on_progress)
    if remote.size is not None and partial.length != remote.size:
        raise TransientError("The transfer was cut short")
    return remote


def _found_file(find: Callable[[], RemoteFile]) -> Generator[RemoteFile, None, None]:
    yield find()


def _response_blocks(
    remote: RemoteFile, resume_from: int, stall_s: float
) -> Generator[requests.Response | bytes, None, None]:
    """The answer's head, then its body in the pieces in which it comes."""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if resume_from:
        # Should the file have changed, the whole of it comes instead of the rest.
        headers |= {"Range": f"bytes={resume_from}-", "If-Range": remote.validator or ""}
    with requests.get(remote.url, headers=headers, stream=True, timeout=stall_s) as response:
        yield response
        while block := response.raw.read1(_BLOCK_BYTES, decode_content=False):
            yield block


def _resume_or_restart(
    response: requests.Response, remote: RemoteFile, partial: PartialDownload
) -> RemoteFile:
    """What the answer brings: the rest of the file, or the whole, which begins anew."""
    raise_if_transient(response.status_code, response.headers)
    if response.status_code == 206:
        place = response.headers.get("Content-Range", "")
        total = f"/{remote.size}" if remote.size is not None else ""
        if place.startswith(f"bytes {partial.length}-") and place.endswith(total):
            return remote
    if response.status_code == 200:
        if "text/html" in response.headers.get("Content-Type", ""):
            # A login or maintenance page: what arrived of the file must not make room for it.
            raise TransientError("A web page answered in the file's place")
        whole = RemoteFile.of(response)
        partial.begin(whole)
        return whole
    if response.status_code in (206, 416):
        partial.delete()
        raise TransientError("Kaggle sent another part than the missing one")
    raise TransientError(f"The file's address is no longer good (HTTP {response.status_code})")


def _append_blocks(
    arriving: Iterator[Any],
    partial: PartialDownload,
    remote: RemoteFile,
    on_progress: TransferProgressCallback,
) -> None:
    here = partial.length
    with partial.path.open("ab") as file:
        for block in arriving:
            file.write(block)
            file.flush()  # a kill keeps what was told as here
            here += len(block)
            on_progress(here, remote.size, "")


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # the line's own have become `TransientError` by then
        raise DownloadError(
            f"'{path.parent}' cannot be written ({error.strerror or error}). What arrived is kept; "
            "make room or check the folder's rights, then go on."
        ) from error


def _identity(remote: RemoteFile) -> dict[str, Any]:
    return {"validator": remote.validator, "size": remote.size}


def _md5(headers: Mapping[str, str]) -> bytes | None:
    """The digest in ``x-goog-hash: crc32c=...,md5=...``, as Kaggle's storage sends it."""
    for part in headers.get("x-goog-hash", "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            with contextlib.suppress(ValueError):  # no base64: then there is no digest
                return base64.b64decode(value, validate=True)
    return None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None
