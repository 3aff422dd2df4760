"""The packing process: ``python -m idc.ingest.packing_worker NAME -- PATH...``.

`idc.ingest.packing_job` starts it, so that half a million files and two busy cores affect neither
the server's memory nor its response times. It writes one JSON object per line to standard output:
``{"done": 512, "total": 277524}``, and at the end ``{"report": {...}}`` or ``{"problem": "..."}``.
With ``--preview`` it packs nothing and ends with ``{"preview": {...}, "sheet": {CLASS: PNG}}``: the
strips of sampled pictures in base64.
On SIGTERM, or when its output is closed, it stops and leaves no files.
"""

import argparse
import base64
import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from idc.datasets.store import PackReport, report_json
from idc.errors import IdcError
from idc.ingest.layouts.plan import PackOptions

_NICENESS = 5  # the app's pages take precedence


def main(arguments: list[str] | None = None) -> int:
    """Pack zips and folders once. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="idc.ingest.packing_worker", description="Pack one data set."
    )
    parser.add_argument("name")
    parser.add_argument("paths", nargs="+", help="zips, folders, tables and arrays")
    parser.add_argument("--options", default="{}", help="`PackOptions` as JSON")
    parser.add_argument("--preview", action="store_true", help="pack nothing")
    words = parser.parse_args(arguments)
    os.nice(_NICENESS)

    def pack_paths() -> PackReport:
        from idc.ingest.pack_data import pack_data

        return pack_data(words.paths, words.name, _options(words), on_progress=report_progress)

    if words.preview:
        return _run(lambda: _preview_message(words.paths, _options(words)))
    return run_packing(pack_paths)


def _options(words: argparse.Namespace) -> PackOptions:
    return PackOptions.from_json(json.loads(words.options))


def _preview_message(paths: list[str], options: PackOptions) -> dict[str, Any]:
    from idc.ingest.contact_sheet import class_strips
    from idc.ingest.pack_data import preview_data

    preview, sample, classes = preview_data(paths, options)
    sheet = class_strips(sample.pictures, classes)
    return {
        "preview": preview.to_json(),
        "sheet": {name: base64.b64encode(png).decode("ascii") for name, png in sheet.items()},
    }


def run_packing(pack: Callable[[], PackReport]) -> int:
    """Pack, and report the result or the problem on standard output. Returns the exit code."""
    return _run(lambda: {"report": report_json(pack())})


def _run(work: Callable[[], dict[str, Any]]) -> int:
    """Write the result of the work, or its problem. Returns the exit code."""
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    try:
        write_message(work())
    except IdcError as error:
        write_message({"problem": str(error)})
        return 2
    except BrokenPipeError:
        # The server has ended. Redirect the output, so that the flush at exit does not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def report_progress(done: int, total: int) -> None:
    """Report progress on standard output."""
    write_message({"done": done, "total": total})


def write_message(message: dict[str, Any]) -> None:
    """Write one line to the parent process."""
    print(json.dumps(message), flush=True)


def _exit_on_sigterm(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)  # unwinds, so that the unfinished store is removed


if __name__ == "__main__":
    sys.exit(main())
