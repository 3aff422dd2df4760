"""What the network runs on, in words. The only place that asks the backends about hardware."""

import os
import shutil
import subprocess

import keras


def describe_device() -> str:
    """For example "NVIDIA H100, 80 GiB" or "CPU, 2 cores"; asks the backend in use."""
    return _gpu_name() if _uses_gpu() else f"CPU, {usable_cores()} cores"


def usable_cores() -> int:
    """Cores that this process may use, which a container may have cut down."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _uses_gpu() -> bool:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    return False


def _gpu_name() -> str:
    if shutil.which("nvidia-smi") is None:
        return "GPU"
    answer = subprocess.run(
        ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if answer.returncode or not answer.stdout.strip():
        return "GPU"
    name, mib = answer.stdout.splitlines()[0].rsplit(",", 1)
    return f"{name.strip()}, {float(mib) / 1024:.0f} GiB"
