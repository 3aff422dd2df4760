"""The packing process: ``python -m idc.packer NAME (--demo | PATH...)``.

`idc.packjobs` starts it, so that half a million files and two busy cores burden neither the
server's memory nor its answers. It says how far it is on standard output, one JSON object a line:
``{"done": 512, "total": 277524}``, at the end ``{"report": {...}}`` or ``{"problem": "..."}``.
When asked to terminate, or when nobody listens any more, it stops and leaves nothing.
"""

import argparse
import json
import os
import signal
import sys
from types import FrameType
from typing import Any

from idc.datasets.store import PackReport, report_json
from idc.errors import IdcError

_POLITENESS = 5  # pages of the app come first where both cores are wanted


def main(arguments: list[str] | None = None) -> int:
    """Pack once. Returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    parser = argparse.ArgumentParser(prog="idc.packer", description="Pack one data set.")
    parser.add_argument("name")
    parser.add_argument("--demo", action="store_true", help="generate the patches")
    parser.add_argument("paths", nargs="*", help="zips and folders")
    options = parser.parse_args(arguments)
    if not options.demo:  # demo tissue takes seconds, and the visitor waits for it
        os.nice(_POLITENESS)
    try:
        say({"report": report_json(_pack(options))})
    except IdcError as error:
        say({"problem": str(error)})
        return 2
    except BrokenPipeError:
        # The server has gone. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _pack(options: argparse.Namespace) -> PackReport:
    if options.demo:
        from idc.demo import pack_demo

        return pack_demo(options.name, on_progress=_tell)
    from idc.packing import pack

    return pack(options.paths, options.name, on_progress=_tell)


def _tell(done: int, total: int) -> None:
    say({"done": done, "total": total})


def say(message: dict[str, Any]) -> None:
    """Write one line to whoever started this process."""
    print(json.dumps(message), flush=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)  # unwinds, so that the half-made store is removed


if __name__ == "__main__":
    sys.exit(main())
