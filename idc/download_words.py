"""A download's status as people read it, on a page or in a shell."""

from idc.download import DownloadStatus
from idc.processes.console import ProgressLine
from idc.wording import duration

_PHASES = {
    "asking": "Asking Kaggle where the file is",
    "fetching": "Fetching",
    "waiting": "Waiting",
    "checking": "Checking every byte",
    "packing": "Packing",
}


def phase_words(status: DownloadStatus) -> str:
    """What it does now: "Fetching 1.2 GB of 3.3 GB · 24.1 MB/s · 1 min 25 s left"."""
    words = [_PHASES[status.phase]]
    if status.phase == "fetching":
        of = f" of {size(status.total)}" if status.total else ""
        words[0] += f" {size(status.here)}{of}"
    elif status.phase == "packing" and status.of:
        words[0] += f" {status.done:,} of {status.of:,} patches"
    if status.bytes_per_s:
        words.append(f"{size(status.bytes_per_s)}/s")
    if status.left_s is not None:
        words.append(f"{duration(status.left_s)} left")
    return " · ".join(words)


def share_done(status: DownloadStatus) -> float:
    """How much of its phase is done, in [0, 1]."""
    if status.phase in ("checking", "packing"):
        return min(status.done / status.of, 1.0) if status.of else 0.0
    return min(status.here / status.total, 1.0) if status.total else 0.0


def size(count: float) -> str:
    """Bytes, in decimal units as disks and networks are sold: "812 kB", "24.1 MB", "3.3 GB"."""
    for unit, factor, digits in (("GB", 1e9, 1), ("MB", 1e6, 1), ("kB", 1e3, 0)):
        if count >= factor:
            return f"{count / factor:,.{digits}f} {unit}"
    return f"{count:.0f} bytes"


def show_download(line: ProgressLine, status: DownloadStatus) -> None:
    """Draw the shell's progress line."""
    words = status.reason if status.phase == "waiting" else phase_words(status)
    line.show(share_done(status), words, estimate=False)
