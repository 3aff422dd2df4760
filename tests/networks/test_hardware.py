"""idc.networks.hardware, with a program in place of the driver's."""

import pytest

from idc.networks.hardware import (
    device_description,
    gpu_description,
    nvidia_smi_free_bytes,
    usable_cores,
)

DRIVER = """#!/bin/sh
case "$*" in
  *--id=9*) exit 6;;
  *--id=1*memory.free*) echo 512;;
  *memory.free*) echo 40960; echo 512;;
  *name,memory.total*) echo "NVIDIA H100, 81920"; echo "NVIDIA T4, 15360";;
esac
"""


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine of its own programs alone; without a driver until there is one."""
    gpu_description.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield tmp_path
    gpu_description.cache_clear()


@pytest.fixture
def driver(machine):
    program = machine / "nvidia-smi"
    program.write_text(DRIVER)
    program.chmod(0o755)


def test_first_gpu_is_named_with_its_memory(driver):
    assert gpu_description() == device_description() == "NVIDIA H100, 80 GiB"
    assert nvidia_smi_free_bytes() == 40960 * 2**20


def test_query_uses_the_chosen_gpu(driver, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")

    assert nvidia_smi_free_bytes() == 512 * 2**20


@pytest.mark.parametrize("hidden", ["", "-1", "9"])
def test_hidden_or_missing_gpu_gives_no_description(driver, monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)

    assert (gpu_description(), nvidia_smi_free_bytes()) == ("", None)
    assert device_description() == f"CPU, {usable_cores()} cores"


def test_machine_without_a_driver_has_no_gpu():
    assert (gpu_description(), nvidia_smi_free_bytes()) == ("", None)
