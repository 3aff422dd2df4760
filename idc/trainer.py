"""The trainer process: ``python -m idc.trainer RUN_ID [--follow]``.

The app spawns it detached; the shell's ``train`` and ``resume`` become it. ``--follow`` shows
progress on standard error, and prints the run's id at the end.
"""

import argparse
import dataclasses
import os
import signal
import sys
import threading
import time
import traceback
from types import FrameType
from typing import TYPE_CHECKING

from idc.console import ProgressLine, fail
from idc.errors import IdcError
from idc.home import runs_dir
from idc.runlock import hold_lock

if TYPE_CHECKING:
    from idc.runs import Run, RunStatus


def main(arguments: list[str] | None = None) -> int:
    """Train one run to its end. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(prog="idc.trainer", description="Train one run.")
    parser.add_argument("run")
    parser.add_argument("--follow", action="store_true", help="show progress, print the id")
    options = parser.parse_args(arguments)
    try:
        with hold_lock(runs_dir() / options.run):  # at once, so that pages see that it lives
            status = _train(options.run, ProgressLine() if options.follow else None)
    except IdcError as error:
        return fail(error)
    if options.follow:
        print(status.reason, file=sys.stderr)
        print(options.run)
    return 0


def _train(run_id: str, progress: ProgressLine | None) -> "RunStatus":
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _once(stop))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Keras before all that imports pandas: the other way round, fit hangs on some Macs.
    from idc.training import train  # isort: skip
    from idc.runs import open_run

    run = open_run(run_id)
    try:
        return train(
            run,
            on_status=(lambda status: _show(progress, status)) if progress else None,
            stop_asked=stop.is_set,
        )
    except IdcError as error:
        _record_failure(run, str(error))
        raise
    except Exception as error:
        traceback.print_exc()
        _record_failure(run, f"Training broke off: {error or type(error).__name__}")
        raise IdcError(f"Training broke off: {error or type(error).__name__}") from error
    finally:
        if progress:
            progress.close()


def _once(stop: threading.Event) -> signal.Handlers:
    """The first signal asks for a stop that keeps what is finished; a second one ends at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    return handler  # type: ignore[return-value]


def _record_failure(run: "Run", reason: str) -> None:
    run.write_status(
        dataclasses.replace(
            run.status(), state="failed", phase="", reason=reason, left_s=None, updated=time.time()
        )
    )


def _show(progress: ProgressLine, status: "RunStatus") -> None:
    steps = max(1, status.steps)
    speed = f", {status.patches_per_s:,.0f} patches/s" if status.patches_per_s else ""
    text = f"{status.phase or status.state}, epoch {status.epoch + 1} of {status.epochs}{speed}"
    progress.show((status.epoch + status.step / steps) / status.epochs, text, status.left_s)


if __name__ == "__main__":
    sys.exit(main())
