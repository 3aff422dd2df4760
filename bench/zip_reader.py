"""Opening a zip as large as Kaggle's: `idc.files.zip_reader` against Python's `zipfile`.

    python bench/zip_reader.py [--members 555048] [--rounds 5]

The zip has the names of the real set's form, in two copies, and one byte per member: opening reads
the directory alone. Each opening runs in a fresh process with the file in the page cache. Prints
the median processor seconds, and the memory of the opening (growth of the peak resident size).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idc.files.zip_reader import ZipReader
from idc.patches import PatchName

READERS = {"zipfile": zipfile.ZipFile, "ZipReader": ZipReader}
PATCHES_PER_CASE = 1_000


def write_zip(path: Path, members: int) -> None:
    """Write one-byte members under the real set's names."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(members):
            patch, copy = divmod(number, 2)
            case, place = divmod(patch, PATCHES_PER_CASE)
            row, column = divmod(place, 40)
            name = PatchName(8_000 + case, 1 + 50 * row, 1 + 50 * column, number % 2)
            folder = "IDC_regular_ps50_idx5/" * copy + f"{name.case}/{name.label}/"
            archive.writestr(folder + name.file_name(), b"x")


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, kB elsewhere


def open_once(reader: str, path: Path) -> None:
    """Print seconds and MB of one opening."""
    before_mb, start = peak_mb(), time.process_time()
    opened = READERS[reader](path)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "mb": peak_mb() - before_mb}))
    opened.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=555_048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, metavar="ZIP", help=argparse.SUPPRESS)
    parser.add_argument("--open", nargs=2, metavar=("READER", "ZIP"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_zip(options.write, options.members)
        return
    if options.open:
        open_once(options.open[0], Path(options.open[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.zip"
        # In a process of its own: a child's peak counts from what its parent had.
        command = [sys.executable, __file__, "--write", path, "--members", str(options.members)]
        subprocess.check_call(command)
        costs = {reader: [] for reader in READERS}
        for _ in range(options.rounds):
            for reader, measured in costs.items():
                command = [sys.executable, __file__, "--open", reader, path]
                measured.append(json.loads(subprocess.check_output(command)))
    medians = {
        reader: {key: statistics.median(cost[key] for cost in measured) for key in measured[0]}
        for reader, measured in costs.items()
    }
    for reader, cost in medians.items():
        print(f"{reader:<10} {cost['seconds']:>7.2f} s {cost['mb']:>7.0f} MB")
    theirs, ours = medians["zipfile"], medians["ZipReader"]
    print(
        f"{options.members:,} members: {theirs['seconds'] / ours['seconds']:.1f} times faster, "
        f"{ours['mb'] / theirs['mb']:.2f} of the memory"
    )


if __name__ == "__main__":
    main()
