"""The trainer process: ``python -m idc.training.trainer RUN_ID [--follow]``.

With ``--standby`` instead of an id it loads Keras and waits for an id, see `idc.training.standby`.

The app starts it detached; the shell's ``train`` and ``resume`` replace themselves by it.
``--follow`` shows progress on standard error, and prints the run's id at the end.

It acquires the run's lock, waits for the device, loads Keras, and trains. When it has ended because
of a pause, it polls the requests once more: a resume request may have arrived while it still held
the lock (see `idc.launch.start.send_request`).
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
from idc.networks.memory_errors import is_out_of_memory, out_of_memory_advice
from idc.processes.console import ProgressLine, print_error
from idc.runs import control
from idc.runs.device_choice import apply_device_choice
from idc.runs.device_queue import hold_device, queue_position
from idc.runs.lock import hold_lock
from idc.runs.status import TRAINER_OUTPUT_FILE, RunStatus, read_status, write_status
from idc.training import standby
from idc.training.hosts import Hosts, parse_hosts

_RESERVE_FILE = ".reserve"
_RESERVE_BYTES = 64 * 1024


class Withdrawn(Exception):
    """The run was withdrawn from the queue."""


def main(arguments: list[str] | None = None) -> int:
    """Train one run. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(prog="idc.training.trainer", description="Train one run.")
    parser.add_argument("run", nargs="?", help="its id; given on the first machine only")
    parser.add_argument("--hosts", help="all machines of the training: host0:port,host1:port")
    parser.add_argument("--host-index", type=int, default=0)
    parser.add_argument("--follow", action="store_true", help="show progress, print the id")
    parser.add_argument("--standby", action="store_true", help="load Keras, then wait for an id")
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
        with hold_lock(trainer.folder):  # early: pages take a locked run for a live one
            status = trainer.train_when_device_free()
            if status.state in ("finished", "stopped"):
                _write_light_model(options.run)
    except IdcError as error:
        return print_error(error)
    if status.state == "paused" and trainer.resume_requested():
        argv = [options.run if word == "--standby" else word for word in sys.orig_argv[1:]]
        os.execv(sys.executable, [sys.executable, *argv])
    if options.follow:
        print(status.reason, file=sys.stderr)
        print(options.run)
    return 0


class _Trainer:
    """The process around the training: the device queue, and every way to end."""

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
        """Wait for the device and train; every failure is written to the run's status."""
        try:
            requested_at = read_status(self.folder).updated
            with (
                _reserved_disk_space(self.folder),
                hold_device(self.folder.name, requested_at, self._on_waiting),
            ):
                return self._train()
        except Withdrawn:
            return self._update_status(
                state="stopped",
                reason="Withdrawn from the queue; continue the run to queue it again.",
            )
        except IdcError as error:
            self._fail(str(error))
            raise
        except Exception as error:
            traceback.print_exc()
            reason = f"Training failed: {_error_text(error)}"
            if is_out_of_memory(error):
                reason = self._out_of_memory_reason()
            self._fail(reason)
            raise IdcError(reason) from error
        finally:
            if self._progress:
                self._progress.close()

    def resume_requested(self) -> bool:
        """Whether a request arrived after the trainer of a paused run had decided to end."""
        return self._requests.poll() in (control.RESUME, control.ONE_EPOCH, control.STOP)

    def _train(self) -> RunStatus:
        self._update_status(state="running", phase="loading", reason="", note="")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        standby.wait_until_loaded()
        # Keras before modules that import pandas: in the other order, fit hangs on some Macs.
        if self._hosts:
            os.environ["KERAS_BACKEND"] = "jax"
        from idc.training.loop import train  # isort: skip
        import keras

        from idc.runs.run import open_run
        from idc.training.batches import WHOLE_BATCH

        run, shard = open_run(self.folder.name), WHOLE_BATCH
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

            shard = use_all_devices(run.config.batch_size)
        return train(
            run,
            on_status=self._show_progress if self._progress else None,
            should_stop=self._should_stop,
            requests=self._requests,
            shard=shard,
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
                0, f"waiting for the device, position {queue_position(self.folder.name)}"
            )

    def _is_withdrawn(self) -> bool:
        """Whether to leave the queue.

        A stop request from before the wait is for a paused run, whose best weights must be scored.
        """
        request = control.read_request(self.folder)
        return request[0] == control.WITHDRAW or (
            request[0] == control.STOP and request != self._first_request
        )

    def _fail(self, reason: str) -> None:
        """Write the failure if the disk allows; otherwise the released lock shows the end."""
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
        fraction = (status.epoch + status.step / steps) / status.epochs
        self._progress.show(fraction, text, status.left_s)


def _write_light_model(run_id: str) -> None:
    """Write the file for the light engine, if this process can; else the first prediction does."""
    from idc.runs.run import open_run

    run = open_run(run_id)
    if not run.has_model():
        return
    import keras

    from idc.networks.light_model import light_engine_installed
    from idc.runs.light_model import write_light_model

    if keras.backend.backend() != "tensorflow" or not light_engine_installed():
        return
    try:
        with keras.device("cpu"):
            write_light_model(run)
    except (IdcError, OSError):
        traceback.print_exc()  # the run is complete without it


def _run_as_follower(hosts: Hosts) -> int:
    """Train a shard of the leader's run. Returns 0, or 2 after an error."""
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        from idc.training.multi_host import train_as_follower

        train_as_follower(hosts)
    except IdcError as error:
        return print_error(error)
    return 0


@contextlib.contextmanager
def _reserved_disk_space(folder: Path) -> Iterator[None]:
    """Reserve 64 KiB, so that a run which fills the disk can still write its status."""
    path = folder / _RESERVE_FILE
    try:
        path.write_bytes(os.urandom(_RESERVE_BYTES))
        yield
    finally:
        path.unlink(missing_ok=True)


def _stop_on_first_signal(stop: threading.Event) -> signal.Handlers:
    """The first signal requests a stop that keeps finished work; a second one ends the process."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    return handler  # type: ignore[return-value]


def _error_text(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return (
            f"the disk reports '{os.strerror(error.errno)}'. Everything saved before is intact; "
            "free disk space or check the disk, then continue the run."
        )
    return str(error) or type(error).__name__


def exit_process(code: int) -> None:
    """End the process. After an error without cleanup: JAX would wait for machines that ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    if code:
        os._exit(code)
    sys.exit(0)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # "kill -USR1" writes all stack traces to its output
    exit_process(main())
