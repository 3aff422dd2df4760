"""The machine's hardware, without loading a network library, so that pages can use it.

`idc.networks.devices` reports what Keras can use, in processes that load Keras anyway.
"""

import functools
import os
import subprocess


def device_description() -> str:
    """For example "NVIDIA H100, 80 GiB" or "CPU, 2 cores"."""
    return gpu_description() or f"CPU, {usable_cores()} cores"


def usable_cores() -> int:
    """Cores available to this process, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def gpu_description() -> str:
    """The first NVIDIA GPU's name and memory; "" without one."""
    properties = _query_first_gpu("name,memory.total")
    if not properties:
        return ""
    name, mib = properties.rsplit(",", 1)
    return f"{name.strip()}, {float(mib) / 1024:.0f} GiB"


def nvidia_smi_free_bytes() -> int | None:
    """Free memory of the first NVIDIA GPU; None without one."""
    free_mib = _query_first_gpu("memory.free")
    return int(float(free_mib) * 2**20) if free_mib else None


def visible_gpu_ids() -> list[str]:
    """Numbers of the NVIDIA GPUs available to this process; empty without one."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    return _nvidia_smi("--query-gpu=index")


def _query_first_gpu(fields: str) -> str:
    """Properties of the first available GPU, without units; "" without one."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible in ("", "-1"):
        return ""
    selection = [f"--id={visible.split(',')[0]}"] if visible else []
    lines = _nvidia_smi(*selection, f"--query-gpu={fields}")
    return lines[0] if lines else ""


def _nvidia_smi(*options: str) -> list[str]:
    """The output lines of ``nvidia-smi``; empty where it is missing or fails."""
    try:
        result = subprocess.run(
            ["nvidia-smi", *options, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return result.stdout.splitlines() if result.returncode == 0 else []
