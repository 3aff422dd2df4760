"""Two processes on loopback train one run; one is killed within an epoch, and both go on."""

import importlib.util
import signal
import socket

import numpy as np
import pytest

from idc.errors import ConfigError
from idc.launch.start import create_run, prepare_to_resume
from idc.runs.checkpoint_files import arrays_with_prefix, list_checkpoints, read_checkpoint
from idc.runs.run import open_run
from idc.settings.training_config import split_for_config
from idc.training.batches import WHOLE_BATCH, BatchShard, TrainingBatches
from idc.training.hosts import Hosts, parse_hosts
from tests.support.made_patches import tiny_store
from tests.support.tiny_training import tiny_config

TRAINER = "tests.support.programs.backend_trainer"


def start(forker, *words, devices=1):
    """Start a trainer with so many devices, which writes a checkpoint after each step."""
    return forker.start(
        TRAINER,
        "--each-step",
        *words,
        XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}",
    )


def train_on_two(forker, run, *words):
    """Both processes' exit codes. The words are the second one's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hosts = f"127.0.0.1:{free.getsockname()[1]},127.0.0.1:1"
    first = start(forker, run.id, "--hosts", hosts, "--host-index", "0")
    second = start(forker, *words, "--hosts", hosts, "--host-index", "1")
    return first.wait(timeout=400), second.wait(timeout=400)


def variables(run):
    return arrays_with_prefix(read_checkpoint(list_checkpoints(run.folder)[0])[1], "v")


def curve(run):
    return [entry[name] for entry in run.log().epochs for name in ("loss", "val_loss")]


needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="needs jax: requirements-jax.txt"
)


@pytest.fixture(scope="module")
def alone(jax_forker, tmp_path_factory):
    """A run that one process trained on one device, in a home for further runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(tmp_path_factory.mktemp("hosts")))
        store = tiny_store("tiny", cases=2, per_case=20)
        run = create_run(tiny_config())
        assert len(split_for_config(run.config, store).train) == 28  # a batch of 16 and one of 12
        assert start(jax_forker, run.id).wait(timeout=400) == 0
        yield run


@pytest.mark.slow
@needs_jax
def test_two_processes_resumed_after_a_kill_match_a_single_process(alone, jax_forker):
    together = create_run(tiny_config())

    codes = train_on_two(jax_forker, together, "--kill-at-step", "3")
    assert codes[0] != 0 and codes[1] == -signal.SIGKILL
    assert together.status().state in ("failed", "interrupted")
    prepare_to_resume(together)
    assert train_on_two(jax_forker, together) == (0, 0)

    assert (together.log().starts[-1]["epoch"], together.log().starts[-1]["step"]) != (0, 0)
    assert curve(together) == pytest.approx(curve(alone), rel=1e-5)
    for one, two in zip(variables(alone), variables(together), strict=True):
        assert np.allclose(one, two, rtol=1e-3, atol=1e-5)
    assert open_run(together.id).has_model() and open_run(together.id).has_predictions()


@pytest.mark.slow
@needs_jax
def test_process_on_all_devices_that_divide_the_batch_matches_one_device(alone, jax_forker):
    on_two = create_run(tiny_config())

    # Of 3 devices, 2 divide a batch of 16.
    assert start(jax_forker, "--as-on-gpu", on_two.id, devices=3).wait(timeout=400) == 0

    assert curve(on_two) == pytest.approx(curve(alone), rel=1e-5)


def batches_of(shard, size, **settings):
    patches = np.random.default_rng(0).integers(0, 256, (size, 50, 50, 3), np.uint8)
    labels = np.arange(size) % 2
    return TrainingBatches(
        patches, labels, np.arange(size), batch_size=8, seed=0, epoch=1, shard=shard, **settings
    )


@pytest.mark.parametrize("augmentation", ["none", "flips", "flips+stain"])
def test_shards_of_two_processes_concatenate_to_the_whole_batch(augmentation):
    (whole, targets), *_ = batches_of(WHOLE_BATCH, 20, augmentation=augmentation)
    shards = [batches_of(BatchShard(i, 2, 4), 20, augmentation=augmentation)[0] for i in (0, 1)]

    assert np.array_equal(np.concatenate([x for x, _ in shards]), whole)
    assert np.array_equal(np.concatenate([y for _, y in shards]), targets)


def test_last_batch_is_padded_with_its_own_first_patches():
    shard = BatchShard(1, 2, 4)

    own, length, first = shard.select(np.array([5, 6, 7]))

    assert (own.tolist(), length, first) == ([7, 5], 4, 2)
    assert len(batches_of(shard, 19, augmentation="none")) == 3  # as many steps as one process


def test_hosts_are_parsed():
    assert parse_hosts("a:1234, b:1", 1) == Hosts(("a:1234", "b:1"), 1)


@pytest.mark.parametrize(
    ("text", "index", "sentence"),
    [
        ("a,b:1", 0, "host:port"),
        ("a:1", 0, "two machines or more"),
        ("a:1,b:1", 2, "must lie in [0, 1]"),
    ],
)
def test_invalid_hosts_are_refused(text, index, sentence):
    with pytest.raises(ConfigError) as refused:
        parse_hosts(text, index)
    assert sentence in str(refused.value)
