"""Several machines train one run, on JAX: `keras.distribution.DataParallel` over all devices.

The run lies on the first machine alone, which is asked, logs and saves as ever. The others are sent
its folder once, the checkpoint included, train the same steps on their part of each batch, and
write what they write into a copy that they throw away. What somebody asks of the run reaches all at
the same step. Each machine has the data set itself, under the same name.

When one machine ends, the others break off, and all go on from the last checkpoint with ``resume``.
"""

import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from idc.datasets.store import open_store
from idc.errors import ConfigError, RunError
from idc.runs import control
from idc.runs.run import Run, open_run_at
from idc.runs.status import RunStatus
from idc.training.batches import BatchShard
from idc.training.hosts import Hosts
from idc.training.loop import OnStatus, train

# What JAX says of a lost connection: over Ethernet as a ValueError from Gloo, else its own error.
_CONNECTION_LOST = re.compile(
    r"gloo|nccl|heartbeat|UNAVAILABLE|coordination|connection", re.IGNORECASE
)
_JOIN_TIMEOUT_S = 3600  # the first machine may wait in its device's queue
_HEARTBEAT_TIMEOUT_S = 30  # without a sign of life
_FILES_NOT_SENT = (
    "predictions.parquet",
    "model.keras",
    "log.jsonl",
    "trainer.txt",
    "tensorboard",
    "slide",
)
_REQUEST_CODES = (
    "",
    control.PAUSE,
    control.RESUME,
    control.ONE_EPOCH,
    control.STOP,
    control.WITHDRAW,
)


def train_as_leader(
    run: Run,
    hosts: Hosts,
    *,
    on_status: OnStatus | None,
    should_stop: Callable[[], bool],
    requests: control.Requests,
) -> RunStatus:
    """Train a run as the first machine; as `idc.training.loop.train`.

    Raises:
        RunError: another machine ended or lost its connection.
        IdcError: as `idc.training.loop.train`.
    """
    share = _join_cluster(hosts)
    _check_batch(run, share)
    _broadcast_bytes(_zip_run_folder(run.folder))
    _broadcast_bytes(open_store(run.config.data).fingerprint.encode())
    shared = _BroadcastRequests(run.folder, requests, should_stop)
    return _train(run, share, shared, on_status)


def train_as_follower(hosts: Hosts) -> None:
    """Train a share of the first machine's run.

    Raises:
        RunError: another machine ended or lost its connection.
        IdcError: the data set is missing here, or is another one.
    """
    share = _join_cluster(hosts)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        with zipfile.ZipFile(io.BytesIO(_broadcast_bytes(b""))) as archive:
            archive.extractall(folder)
        run = open_run_at(folder)
        _check_batch(run, share)
        if open_store(run.config.data).fingerprint.encode() != _broadcast_bytes(b""):
            raise RunError(
                f"The data set '{run.config.data}' here is not the first machine's; copy its "
                "folder from there."
            )
        _train(run, share, _BroadcastRequests(folder, None, lambda: False), None)


def use_all_devices(batch_size: int) -> BatchShard:
    """Let this process alone train on all its GPUs, as many of them as divide the batch evenly."""
    known = keras.distribution.list_devices()
    used = next(n for n in range(len(known), 0, -1) if batch_size % n == 0)
    if used > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=known[:used], auto_shard_dataset=False)
        )
    return BatchShard(devices=used)


def _join_cluster(hosts: Hosts) -> BatchShard:
    """Wait for all machines, and take their devices for one."""
    jax.distributed.initialize(
        hosts.addresses[0],
        len(hosts.addresses),
        hosts.index,
        initialization_timeout=_JOIN_TIMEOUT_S,
        heartbeat_timeout_seconds=_HEARTBEAT_TIMEOUT_S,
    )
    # Each process reads its own part of a batch, so Keras need not deal them out.
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    return BatchShard(jax.process_index(), jax.process_count(), jax.device_count())


def _check_batch(run: Run, share: BatchShard) -> None:
    if run.config.batch_size % share.devices:
        raise ConfigError(
            f"batch_size must be a multiple of the number of devices, {share.devices}. Received: "
            f"{run.config.batch_size}"
        )


def _train(
    run: Run, share: BatchShard, requests: control.Requests, on_status: OnStatus | None
) -> RunStatus:
    try:
        return train(run, on_status=on_status, requests=requests, share=share)
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if not _CONNECTION_LOST.search(str(error)):
            raise
        raise RunError(
            "Another machine of this training ended or lost its connection; resume it on all of "
            f"them, and it goes on from its last checkpoint. JAX said: {str(error)[:300]}"
        ) from error


def _zip_run_folder(folder: Path) -> bytes:
    """What another machine needs to begin where this one begins."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            sent = name.parts[0] not in _FILES_NOT_SENT and not name.name.startswith(".")
            if path.is_file() and sent:
                archive.write(path, str(name))
    return content.getvalue()


def _broadcast_bytes(content: bytes) -> bytes:
    """The first machine's bytes, on all."""
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
    block = np.zeros(length, np.uint8)
    if jax.process_index() == 0:
        block[:] = np.frombuffer(content, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(block)).astype(np.uint8).tobytes()


class _BroadcastRequests(control.Requests):
    """What people ask the first machine, told to all at the same step."""

    def __init__(
        self,
        folder: Path,
        asked: control.Requests | None,
        should_stop: Callable[[], bool],
    ) -> None:
        super().__init__(folder)
        self._asked, self._stop = asked, should_stop

    def poll(self) -> str:
        """As `control.Requests.poll`; a collective, so all must call it equally often."""
        word = ""
        if self._asked is not None:
            word = control.STOP if self._stop() else self._asked.poll()
        number = multihost_utils.broadcast_one_to_all(np.int32(_REQUEST_CODES.index(word)))
        return _REQUEST_CODES[int(number)]
