"""A worker of `idc.many_slides`: ``python -m idc.slide_worker FD``. Slides in, files out."""

from pathlib import Path
from typing import Any

from idc.processes.child import serve
from idc.slide_work import Settings, SlideTask, answer_task


def answer(question: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
    """Do one task; the problem that is told back is empty when its file is written."""
    task, settings = SlideTask(**question["task"]), Settings(**question["settings"])
    return {"problem": answer_task(task, settings, Path(question["folder"]))}, b""


if __name__ == "__main__":
    serve(answer)
