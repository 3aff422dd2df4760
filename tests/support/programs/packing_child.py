"""Packing programs for `tests.ingest.test_packing`.

python tests/support/programs/packing_child.py hold SOURCE NAME
    reports after its first batch, then waits to be killed
python tests/support/programs/packing_child.py full
    packs with a limit on the file size, as on a full disk
"""

import json
import os
import resource
import sys
from pathlib import Path

import numpy as np

from idc.datasets.store import PackReport
from idc.datasets.store_writer import Patch, StoreWriter
from idc.errors import DataError
from idc.files.home import data_dir
from idc.ingest.packing import pack
from idc.patches import PatchName


def hold(source: str, name: str) -> None:
    def wait(done: int, total: int) -> None:
        print(f"{done} of {total}", flush=True)
        sys.stdin.read()

    pack([source], name, on_progress=wait)


def pack_with_little_room(count: int, file_limit_bytes: int) -> dict[str, object]:
    """The message of a packing of ``count`` patches, and the files it leaves."""
    row = [
        Patch(PatchName(8863, 1, 1 + 50 * n, 0), np.zeros((50, 50, 3), np.uint8))
        for n in range(count)
    ]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit_bytes, before[1]))
    sentence = "packed"
    try:
        with StoreWriter("full", count) as writer:
            writer.add(row)
            writer.finish(PackReport(sources=("made by hand",)))
    except DataError as error:
        sentence = str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    left = [name for name in os.listdir(data_dir()) if not name.endswith(".lock")]
    return {"sentence": sentence, "left": left}


if __name__ == "__main__":
    if sys.argv[1] == "hold":
        hold(*sys.argv[2:])
    else:
        Path(data_dir()).mkdir(parents=True)
        found = {
            "while adding": pack_with_little_room(200, 100_000),
            "at the end": pack_with_little_room(1, 4_096),  # the whole store fits the buffer
            "from the start": pack_with_little_room(1, 1),
            "not at all": pack_with_little_room(1, 100_000),
        }
        print(json.dumps(found))
