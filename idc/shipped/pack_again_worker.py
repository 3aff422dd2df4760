"""The process that packs a data set again: ``python -m idc.shipped.pack_again_worker NAME``.

It reports as `idc.ingest.packing_worker` does.
"""

import os
import sys

from idc.ingest.packing_worker import report_progress, run_packing
from idc.shipped.pack_again import pack_again

_NICENESS = 5  # the app's pages take precedence


def main(arguments: list[str] | None = None) -> int:
    """Pack one data set again. Returns the exit code."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    os.nice(_NICENESS)
    return run_packing(lambda: pack_again(name, on_progress=report_progress))


if __name__ == "__main__":
    sys.exit(main())
