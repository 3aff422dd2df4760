"""The process that generates demo tissue: ``python -m idc.shipped.demo_worker NAME``.

Its output on standard output is that of `idc.ingest.packing_worker`.
"""

import argparse
import sys

from idc.ingest.packing_worker import report_progress, run_packing
from idc.shipped.demo import pack_demo


def main(arguments: list[str] | None = None) -> int:
    """Generate and pack once. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="idc.shipped.demo_worker",
        description="Generate a data set of demo tissue.",
    )
    parser.add_argument("name")
    options = parser.parse_args(arguments)
    return run_packing(lambda: pack_demo(options.name, on_progress=report_progress))


if __name__ == "__main__":
    sys.exit(main())
