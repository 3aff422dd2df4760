"""The trainer process: ``python -m idc.training.trainer RUN_ID [--follow]``.

With ``--standby`` instead of an id it waits for one while it loads Keras, see
`idc.training.standby`.

The app spawns it detached; the shell's ``train`` and ``resume`` become it. ``--follow`` shows
progress on standard error, and prints the run's id at the end.

It holds the run's lock from its first moment, waits for the device, loads Keras, and trains. When
it has left a pause to make room, it looks once more whether somebody wants to go on: the wish may
have come while it still held the lock (see `idc.launch.start.send_request`).
"""

import argparse
import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from idc.errors import IdcError
from idc.files.home import runs_dir
from idc.processes.console import ProgressLine, print_error
from idc.runs import control
from idc.runs.device_choice import apply_device_choice
from idc.runs.device_queue import hold_device, queue_position
from idc.runs.lock import hold_lock
from idc.runs.status import TRAINER_OUTPUT_FILE, RunStatus, read_status, write_status
from idc.training import standby
from idc.training.hosts import Hosts, parse_hosts
from idc.training.memory_errors import is_out_of_memory, out_of_memory_advice

_RESERVE_FILE = ".reserve"
_RESERVE_BYTES = 64 * 1024


class Withdrawn(Exception):
    """Somebody took the run out of the queue."""


def main(arguments: list[str] | None = None) -> int:
    """Train one run to its end. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(prog="idc.training.trainer", description="Train one run.")
    parser.add_argument("run", nargs="?", help="none on the machines after the first")
    parser.add_argument("--hosts", help="several machines train as one: host0:port,host1:port")
    parser.add_argument("--host-index", type=int, default=0)
    parser.add_argument("--follow", action="store_true", help="show progress, print the id")
    parser.add_argument("--standby", action="store_true", help="load Keras, and wait for an id")
    options = parser.parse_args(arguments)
    if options.standby:
        options.run = standby.wait_for_run()
        if not options.run:
            return 0
        standby.redirect_output(runs_dir() / options.run / TRAINER_OUTPUT_FILE)
    try:
        hosts = parse_hosts(options.hosts, options.host_index) if options.hosts else None
    except IdcError as error:
        return print_error(error)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_on_first_signal(stop))
    if hosts and hosts.index:
        return _run_as_follower(hosts)
    apply_device_choice(runs_dir() / options.run)
    trainer = _Trainer(
        runs_dir() / options.run,
        ProgressLine() if options.follow else None,
        stop.is_set,
        hosts,
    )
    try:
        with hold_lock(trainer.folder):  # at once, so that pages see that it lives
            status = trainer.train_when_device_free()
    except IdcError as error:
        return print_error(error)
    if status.state == "paused" and trainer.resume_requested():
        words = [options.run if word == "--standby" else word for word in sys.orig_argv[1:]]
        os.execv(sys.executable, [sys.executable, *words])
    if options.follow:
        print(status.reason, file=sys.stderr)
        print(options.run)
    return 0


class _Trainer:
    """The life of the process around the training: the queue, and every way to end."""

    def __init__(
        self,
        folder: Path,
        progress: ProgressLine | None,
        should_stop: Callable[[], bool],
        hosts: Hosts | None = None,
    ) -> None:
        self.folder, self._hosts = folder, hosts
        self._progress, self._should_stop = progress, should_stop
        self._requests = control.Requests(folder)
        self._first_request = control.read_request(folder)

    def train_when_device_free(self) -> RunStatus:
        """Wait for the device and train; whatever goes wrong is told in the run's status."""
        try:
            asked = read_status(self.folder).updated
            with (
                _reserved_disk_space(self.folder),
                hold_device(self.folder.name, asked, self._on_waiting),
            ):
                return self._train()
        except Withdrawn:
            return self._update_status(
                state="stopped", reason="Withdrawn from the queue; continue it to wait again."
            )
        except IdcError as error:
            self._fail(str(error))
            raise
        except Exception as error:
            traceback.print_exc()
            reason = f"Training broke off: {_error_text(error)}"
            if is_out_of_memory(error):
                reason = self._out_of_memory_reason()
            self._fail(reason)
            raise IdcError(reason) from error
        finally:
            if self._progress:
                self._progress.close()

    def resume_requested(self) -> bool:
        """Whether somebody asked a paused run to go on after its trainer had decided to leave."""
        return self._requests.poll() in (control.RESUME, control.ONE_EPOCH, control.STOP)

    def _train(self) -> RunStatus:
        self._update_status(state="running", phase="loading", reason="", note="")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        standby.wait_until_loaded()
        # Keras before all that imports pandas: the other way round, fit hangs on some Macs.
        if self._hosts:
            os.environ["KERAS_BACKEND"] = "jax"
        from idc.training.loop import train  # isort: skip
        import keras

        from idc.runs.run import open_run

        run, share = open_run(self.folder.name), {}
        if self._hosts:
            from idc.training.multi_host import train_as_leader

            return train_as_leader(
                run,
                self._hosts,
                on_status=self._show_progress if self._progress else None,
                should_stop=self._should_stop,
                requests=self._requests,
            )
        if keras.backend.backend() == "jax":
            from idc.training.multi_host import use_all_devices

            share = {"share": use_all_devices(run.config.batch_size)}
        return train(
            run,
            on_status=self._show_progress if self._progress else None,
            should_stop=self._should_stop,
            requests=self._requests,
            **share,
        )

    def _out_of_memory_reason(self) -> str:
        from idc.networks.devices import describe_device
        from idc.runs.run import open_run

        batch_size = open_run(self.folder.name).config.batch_size
        return out_of_memory_advice(batch_size, describe_device())

    def _on_waiting(self) -> None:
        if self._should_stop() or self._is_withdrawn():
            raise Withdrawn
        if read_status(self.folder).state != "queued":
            self._update_status(state="queued", reason="", note="")
        if self._progress:
            self._progress.show(
                0, f"waiting for the device, place {queue_position(self.folder.name)}"
            )

    def _is_withdrawn(self) -> bool:
        """A stop that was asked for before the wait is about a paused run: it is to be scored."""
        request = control.read_request(self.folder)
        return request[0] == control.WITHDRAW or (
            request[0] == control.STOP and request != self._first_request
        )

    def _fail(self, reason: str) -> None:
        """Tell it where there is room to; a run that says "running" without a lock is dead too."""
        try:
            self._update_status(state="failed", reason=reason)
        except (OSError, IdcError):
            traceback.print_exc()

    def _update_status(self, **changes: Any) -> RunStatus:
        status = replace(
            read_status(self.folder),
            **{"phase": "", "left_s": None, "updated": time.time(), **changes},
        )
        write_status(self.folder, status)
        return status

    def _show_progress(self, status: RunStatus) -> None:
        assert self._progress is not None
        steps = max(1, status.steps)
        speed = f", {status.patches_per_s:,.0f} patches/s" if status.patches_per_s else ""
        text = f"{status.phase or status.state}, epoch {status.epoch + 1} of {status.epochs}{speed}"
        share = (status.epoch + status.step / steps) / status.epochs
        self._progress.show(share, text, status.left_s)


def _run_as_follower(hosts: Hosts) -> int:
    """Train a share of the run of the first machine. Returns 0, or 2 after an error."""
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        from idc.training.multi_host import train_as_follower

        train_as_follower(hosts)
    except IdcError as error:
        return print_error(error)
    return 0


@contextlib.contextmanager
def _reserved_disk_space(folder: Path) -> Iterator[None]:
    """Keep a little room on the disk, so that a run which fills it can still say so."""
    path = folder / _RESERVE_FILE
    try:
        path.write_bytes(os.urandom(_RESERVE_BYTES))
        yield
    finally:
        path.unlink(missing_ok=True)


def _stop_on_first_signal(stop: threading.Event) -> signal.Handlers:
    """The first signal asks for a stop that keeps what is finished; a second one ends at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    return handler  # type: ignore[return-value]


def _error_text(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return (
            f"the disk says '{os.strerror(error.errno)}'. What was kept before is intact; make "
            "room or check the disk, then continue it."
        )
    return str(error) or type(error).__name__


def exit_process(code: int) -> None:
    """End the process. After an error at once: JAX would wait for machines that have gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    if code:
        os._exit(code)
    sys.exit(0)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # "kill -USR1" writes into its output where it is
    exit_process(main())
