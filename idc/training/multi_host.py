"""Several machines train one run, on JAX: `keras.distribution.DataParallel` over all devices.

The run exists on the first machine (the leader), which polls requests, logs and saves as usual.
The followers receive its folder once, including the checkpoint, train the same steps on their part
of each batch, and write into a temporary copy. Requests reach all machines at the same step. Each
machine has its own copy of the data set, under the same name.

If one machine ends, the others end too; ``resume`` on all of them continues from the last
checkpoint.
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
from idc.training.loop import train
from idc.training.observers.status import OnStatus

# Errors of a lost connection: a ValueError from Gloo over Ethernet, otherwise a JaxRuntimeError.
_CONNECTION_LOST = re.compile(
    r"gloo|nccl|heartbeat|UNAVAILABLE|coordination|connection", re.IGNORECASE
)
_JOIN_TIMEOUT_S = 3600  # the first machine may wait in its device's queue
_HEARTBEAT_TIMEOUT_S = 30  # without a message
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
    """Train a run as the leader; arguments as `idc.training.loop.train`.

    Raises:
        RunError: another machine ended or lost its connection.
        IdcError: as `idc.training.loop.train`.
    """
    shard = _join_cluster(hosts)
    _check_batch(run, shard)
    _broadcast_bytes(_zip_run_folder(run.folder))
    _broadcast_bytes(open_store(run.config.data).fingerprint.encode())
    broadcast = _BroadcastRequests(run.folder, requests, should_stop)
    return _train(run, shard, broadcast, on_status)


def train_as_follower(hosts: Hosts) -> None:
    """Train a shard of the leader's run.

    Raises:
        RunError: another machine ended or lost its connection.
        IdcError: the data set is missing here, or differs from the leader's.
    """
    shard = _join_cluster(hosts)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        with zipfile.ZipFile(io.BytesIO(_broadcast_bytes(b""))) as archive:
            archive.extractall(folder)
        run = open_run_at(folder)
        _check_batch(run, shard)
        if open_store(run.config.data).fingerprint.encode() != _broadcast_bytes(b""):
            raise RunError(
                f"The data set '{run.config.data}' here differs from the first machine's; copy its "
                "folder from there."
            )
        _train(run, shard, _BroadcastRequests(folder, None, lambda: False), None)


def use_all_devices(batch_size: int) -> BatchShard:
    """Train on all GPUs of this machine, or on as many as divide the batch evenly."""
    devices = keras.distribution.list_devices()
    used = next(n for n in range(len(devices), 0, -1) if batch_size % n == 0)
    if used > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=devices[:used], auto_shard_dataset=False)
        )
    return BatchShard(devices=used)


def _join_cluster(hosts: Hosts) -> BatchShard:
    """Wait for all machines, and distribute over their devices."""
    jax.distributed.initialize(
        hosts.addresses[0],
        len(hosts.addresses),
        hosts.index,
        initialization_timeout=_JOIN_TIMEOUT_S,
        heartbeat_timeout_seconds=_HEARTBEAT_TIMEOUT_S,
    )
    # Each process reads its own part of a batch, so Keras must not shard the data set.
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    return BatchShard(jax.process_index(), jax.process_count(), jax.device_count())


def _check_batch(run: Run, shard: BatchShard) -> None:
    if run.config.batch_size % shard.devices:
        raise ConfigError(
            f"batch_size must be a multiple of the number of devices, {shard.devices}. Received: "
            f"{run.config.batch_size}"
        )


def _train(
    run: Run, shard: BatchShard, requests: control.Requests, on_status: OnStatus | None
) -> RunStatus:
    try:
        return train(run, on_status=on_status, requests=requests, shard=shard)
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if not _CONNECTION_LOST.search(str(error)):
            raise
        raise RunError(
            "Another machine of this training ended or lost its connection; resume the run on all "
            f"machines to continue from the last checkpoint. Error of JAX: {str(error)[:300]}"
        ) from error


def _zip_run_folder(folder: Path) -> bytes:
    """The files that a follower needs to begin at the same checkpoint."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            sent = name.parts[0] not in _FILES_NOT_SENT and not name.name.startswith(".")
            if path.is_file() and sent:
                archive.write(path, str(name))
    return content.getvalue()


def _broadcast_bytes(content: bytes) -> bytes:
    """Send the leader's bytes to all machines; returns them."""
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
    block = np.zeros(length, np.uint8)
    if jax.process_index() == 0:
        block[:] = np.frombuffer(content, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(block)).astype(np.uint8).tobytes()


class _BroadcastRequests(control.Requests):
    """The leader's requests, received by all machines at the same step."""

    def __init__(
        self,
        folder: Path,
        leader_requests: control.Requests | None,
        should_stop: Callable[[], bool],
    ) -> None:
        super().__init__(folder)
        self._leader_requests, self._should_stop = leader_requests, should_stop

    def poll(self) -> str:
        """As `control.Requests.poll`; a collective operation, so all must call it equally often."""
        request = ""
        if self._leader_requests is not None:
            request = control.STOP if self._should_stop() else self._leader_requests.poll()
        code = multihost_utils.broadcast_one_to_all(np.int32(_REQUEST_CODES.index(request)))
        return _REQUEST_CODES[int(code)]
