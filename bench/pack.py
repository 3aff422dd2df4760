"""From the zip to an array of all patches: the notebook compared with `idc.ingest.packing`.

    python bench/pack.py [--share 1] [--rounds 1] [--folder FOLDER]

The notebook unzips to disk, lists the files, reads each with cv2.imread and keeps them in memory;
it repeats everything but the first step at each start. IDC Lab packs the zip once and then opens
the store. Both work on the same zip (`bench/full_size.py`; with a share of 1
about 3.3 GB, and as much for the unzipped files), each in a new process, alternating, with
the zip in the page cache. Prints wall seconds, CPU seconds, busy cores, and peak memory above a
bare interpreter.

On a machine with other work the clock tells of that work too; the processor's seconds do so less.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

OPENS = 9


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: dict[str, float]

    @property
    def cores(self) -> float:
        """Cores kept busy on average."""
        return self.cpu_s / self.wall_s


def unzip_and_read(path: Path, folder: Path) -> dict[str, float]:
    """The notebook's way to the first array. Seconds by stage."""
    import zipfile

    start = time.perf_counter()
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return {"unzip": time.perf_counter() - start, **read_unzipped(path, folder)}


def read_unzipped(_path: Path, folder: Path) -> dict[str, float]:
    """The notebook's way to every later array. Seconds by stage."""
    import cv2
    import numpy as np

    start = time.perf_counter()
    files = list(folder.glob("IDC_regular_ps50_idx5/**/*.png"))
    listed = time.perf_counter()
    images, labels = [], []
    for file in files:
        image = cv2.imread(str(file))
        images.append(cv2.resize(image, (50, 50), interpolation=cv2.INTER_LINEAR))
        labels.append(int(file.stem[-1]))
    pixels = np.array(images)
    read = time.perf_counter()
    return {"glob": listed - start, "cv2.imread": read - listed, "patches": len(pixels)}


def pack_and_open(path: Path, _folder: Path) -> dict[str, float]:
    """Our way to the first array. Seconds by stage."""
    start = time.perf_counter()
    from idc.datasets.store import open_store
    from idc.ingest.packing import pack

    pack([path], "packed")
    packed = time.perf_counter()
    store = open_store("packed")
    opened = time.perf_counter()
    return {"pack": packed - start, "open": opened - packed, "patches": len(store)}


def open_again(_path: Path, _folder: Path) -> dict[str, float]:
    """Our way to every later array, imports included."""
    start = time.perf_counter()
    from idc.datasets.store import open_store

    store = open_store("packed")
    return {"open": time.perf_counter() - start, "patches": len(store)}


def nothing(_path: Path, _folder: Path) -> dict[str, float]:
    """A bare interpreter."""
    return {}


CONTESTANTS = {
    run.__name__: run for run in (unzip_and_read, read_unzipped, pack_and_open, open_again, nothing)
}


def measure(contestant: str, path: Path, folder: Path) -> Cost:
    """Run a contestant in a fresh process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, __file__, "--contestant", contestant, str(path), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "IDC_HOME": str(folder / "home")},
    )
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"'{contestant}' failed")
    wall = time.perf_counter() - start
    unit = 1e6 if sys.platform == "darwin" else 1e3  # ru_maxrss is in bytes there, in kB here
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit, json.loads(said))


def compare(path: Path, scratch: Path, bare_mb: float) -> tuple[Cost, Cost, Cost, list[Cost]]:
    """One round: the notebook's first and later, ours first and later."""
    shown = ("", "wall s", "CPU s", "cores", "MB more")
    print("{:<26}{:>8}{:>8}{:>7}{:>9}".format(*shown))

    def show(title: str, cost: Cost) -> Cost:
        stages = ", ".join(f"{k} {v:.2f} s" for k, v in cost.said.items() if k != "patches")
        print(
            f"{title:<26}{cost.wall_s:>8.2f}{cost.cpu_s:>8.2f}{cost.cores:>7.2f}"
            f"{cost.peak_mb - bare_mb:>9.0f}   {stages}",
            flush=True,
        )
        return cost

    theirs = show("notebook, first", measure("unzip_and_read", path, scratch / "unzipped"))
    theirs_later = show("notebook, later", measure("read_unzipped", path, scratch / "unzipped"))
    shutil.rmtree(scratch / "unzipped")
    ours = show("idc, first", measure("pack_and_open", path, scratch))
    ours_later = [show("idc, later", measure("open_again", path, scratch)) for _ in range(OPENS)]
    shutil.rmtree(scratch / "home")
    if theirs.said["patches"] != ours.said["patches"]:
        raise SystemExit("the two ways came to different numbers of patches")
    return theirs, theirs_later, ours, ours_later


def main() -> None:
    if sys.argv[1:2] == ["--contestant"]:
        print(json.dumps(CONTESTANTS[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the 279 cases")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "idc_bench")
    options = parser.parse_args()

    # In a process of its own: a child's peak counts from what its parent had.
    maker = Path(__file__).with_name("full_size.py")
    making = [sys.executable, maker, options.folder, "--share", str(options.share)]
    subprocess.run(making, check=True, stdout=subprocess.DEVNULL)
    path = options.folder / f"full_size_{options.share:g}.zip"
    bare_mb = measure("nothing", path, options.folder).peak_mb
    print(
        f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB; {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; a bare interpreter has {bare_mb:.0f} MB"
    )
    for _ in range(options.rounds):
        with path.open("rb") as file:
            while file.read(2**24):  # so that neither pays for the disk
                pass
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            theirs, theirs_later, ours, ours_later = compare(path, Path(scratch), bare_mb)
        opens = sorted(cost.said["open"] for cost in ours_later)
        median = opens[len(opens) // 2]
        print(
            f"{ours.said['patches']:,} patches. First open: {theirs.wall_s / ours.wall_s:.1f} "
            f"times faster by the clock, {theirs.cpu_s / ours.cpu_s:.1f} times less processor "
            f"time. Later opens: {median:.3f} s (median of {len(opens)}, imports included), "
            f"{sum(theirs_later.said[k] for k in ('glob', 'cv2.imread')) / median:,.0f} times "
            f"faster. Memory: {ours.peak_mb - bare_mb:.0f} MB above the bare interpreter, "
            f"the notebook {theirs.peak_mb - bare_mb:,.0f} MB."
        )


if __name__ == "__main__":
    main()
