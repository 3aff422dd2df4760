import signal

import pytest

from idc.launch.start import create_run
from idc.training import loop
from idc.training.memory_errors import is_out_of_memory, out_of_memory_advice
from idc.training.trainer import main
from tests.support.made_patches import tiny_store
from tests.support.tiny_training import tiny_config


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's."""


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
def test_backends_words_for_no_memory_are_known(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("no such room"), KeyError("bloom"), OSError(28, "x")])
def test_other_errors_are_not_taken_for_it(error):
    assert not is_out_of_memory(error)


def test_sentence_names_a_smaller_batch_and_the_cpu_for_a_gpu():
    assert out_of_memory_advice(1024, "NVIDIA H100, 80 GiB") == (
        "The memory of NVIDIA H100, 80 GiB is used up at 1024 patches a step, or somebody else "
        "fills it; start again with a batch size of 512, or continue it on the CPU."
    )
    assert out_of_memory_advice(64, "CPU, 2 cores") == (
        "The memory of CPU, 2 cores is used up at 64 patches a step; start again with a batch "
        "size of 32."
    )
    assert "batch size" not in out_of_memory_advice(1, "CPU, 2 cores")


@pytest.fixture
def signals():
    """The trainer takes these two over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_run_that_is_out_of_memory_says_which_batch_size_to_try(home, signals, monkeypatch, capsys):
    tiny_store("tiny", cases=3, per_case=12)
    run = create_run(tiny_config(batch_size=64))

    def exhausted(*_, **__):
        raise ResourceExhaustedError("failed to allocate")

    monkeypatch.setattr(loop, "train", exhausted)

    assert main([run.id]) == 2

    status = run.status()
    assert status.state == "failed"
    assert "is used up at 64 patches a step" in status.reason
    assert "start again with a batch size of 32" in status.reason
    assert status.reason in capsys.readouterr().err
