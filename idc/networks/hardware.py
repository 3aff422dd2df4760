"""What the machine has, without loading a network library: pages ask this.

Whether Keras can use it is told by `idc.networks.devices`, in the processes that load Keras anyway.
"""

import functools
import os
import shutil
import subprocess


def device_description() -> str:
    """For example "NVIDIA H100, 80 GiB" or "CPU, 2 cores"."""
    return gpu_description() or f"CPU, {usable_cores()} cores"


def usable_cores() -> int:
    """Cores that this process may use, which a container may have cut down."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def gpu_description() -> str:
    """The first NVIDIA GPU's name and memory; "" when the driver shows none."""
    answer = _query_first_gpu("name,memory.total")
    if not answer:
        return ""
    name, mib = answer.rsplit(",", 1)
    return f"{name.strip()}, {float(mib) / 1024:.0f} GiB"


def nvidia_smi_free_bytes() -> int | None:
    """Memory of the first NVIDIA GPU that nobody has taken; None when the driver shows none."""
    answer = _query_first_gpu("memory.free")
    return int(float(answer) * 2**20) if answer else None


def _query_first_gpu(what: str) -> str:
    """What the driver says of the first one in use, without units; "" when it shows none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shutil.which("nvidia-smi") is None or chosen in ("", "-1"):
        return ""
    which = [f"--id={chosen.split(',')[0]}"] if chosen else []
    answer = subprocess.run(
        ["nvidia-smi", *which, f"--query-gpu={what}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    lines = answer.stdout.splitlines()
    return lines[0] if lines and not answer.returncode else ""


def visible_gpu_ids() -> list[str]:
    """Numbers of the NVIDIA GPUs that this process may use; empty when there is none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1")]
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.split() if answer.returncode == 0 else []
