"""A worker of `idc.large_images.bulk`: ``python -m idc.large_images.bulk_worker FD``. Slides in,
files out."""

from pathlib import Path
from typing import Any

from idc.large_images.bulk_task import BulkSettings, SlideTask, predict_task
from idc.processes.child import serve


def answer(question: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
    """Run one task; the returned problem is empty on success."""
    task, settings = SlideTask(**question["task"]), BulkSettings(**question["settings"])
    return {"problem": predict_task(task, settings, Path(question["folder"]))}, b""


if __name__ == "__main__":
    serve(answer)
