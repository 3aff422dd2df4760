import signal

import pytest

from idc.launch.start import create_run
from idc.networks.memory_errors import is_out_of_memory, out_of_memory_advice
from idc.training import loop
from idc.training.trainer import main
from tests.support.made_patches import tiny_store
from tests.support.tiny_training import tiny_config


class ResourceExhaustedError(Exception):
    """Has the name of TensorFlow's error."""


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedError("{{function_node ...}} failed"),
        RuntimeError(
            "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 21474836480 bytes."
        ),
        ValueError("OOM when allocating tensor with shape[8192,50,50,32]"),
        MemoryError(),
        MemoryError("Unable to allocate 9.31 GiB for an array"),
    ],
)
def test_out_of_memory_errors_of_the_backends_are_recognised(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("no such room"), KeyError("bloom"), OSError(28, "x")])
def test_other_errors_are_not_out_of_memory(error):
    assert not is_out_of_memory(error)


def test_advice_for_a_gpu_names_half_the_batch_and_the_cpu():
    assert out_of_memory_advice(1024, "NVIDIA H100, 80 GiB") == (
        "The memory of NVIDIA H100, 80 GiB does not suffice for a batch size of 1024, or another "
        "program uses it; start a new run with a batch size of 512, or continue this run on the "
        "CPU."
    )
    assert out_of_memory_advice(64, "CPU, 2 cores") == (
        "The memory of CPU, 2 cores does not suffice for a batch size of 64; start a new run with "
        "a batch size of 32."
    )
    assert "new run" not in out_of_memory_advice(1, "CPU, 2 cores")


@pytest.fixture
def signals():
    """Restore the handlers that the trainer replaces."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_run_out_of_memory_fails_with_a_smaller_batch_size_to_try(
    home, signals, monkeypatch, capsys
):
    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(tiny_config(batch_size=64))

    def exhausted(*_, **__):
        raise ResourceExhaustedError("failed to allocate")

    monkeypatch.setattr(loop, "train", exhausted)

    assert main([run.id]) == 2

    status = run.status()
    assert status.state == "failed"
    assert "does not suffice for a batch size of 64" in status.reason
    assert "start a new run with a batch size of 32" in status.reason
    assert status.reason in capsys.readouterr().err
