"""Demo tissue as a data set: a source of a store like zip, folder and download."""

import sys

from idc.datasets.store import PackReport, check_store_name, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.demo_tissue.generate import GENERATED_NOTICE, generate_cases, slide_patches
from idc.ingest.packing_job import PackJob, start_job
from idc.ingest.recorded_source import record_demo
from idc.launch.standby import ensure_standby
from idc.progress import ProgressCallback
from idc.shipped.recorded_runs import install_recorded_runs

DEMO_CASES, DEMO_SEED = 12, 0

_MAX_PATCHES_PER_CASE = 700  # for the free-space check


def pack_demo(
    name: str = "demo",
    *,
    cases: int = DEMO_CASES,
    seed: int = DEMO_SEED,
    replace_existing: bool = False,
    on_progress: ProgressCallback | None = None,
) -> PackReport:
    """Generate cases of demo tissue and pack them. The same seed gives the same patches.

    With the default set, the runs recorded on it are installed, so that every page has content.

    Args:
        cases: at least 3, so that they can be split by case.
        on_progress: called with (cases done, number of cases).

    Raises:
        ConfigError: too few cases, or a negative seed.
        DataError: the name is taken, or the disk is full.
    """
    report = PackReport(sources=(f"{GENERATED_NOTICE} (seed {seed})",), generated=True)
    max_patches = cases * _MAX_PATCHES_PER_CASE
    with StoreWriter(name, max_patches, replace_existing=replace_existing) as writer:
        for done, slide in enumerate(generate_cases(cases, seed), start=1):
            patches = sorted(slide_patches(slide), key=lambda patch: patch[0])
            writer.add([Patch(patch_name, rgb) for patch_name, rgb in patches])
            if on_progress:
                on_progress(done, cases)
        report = writer.finish(report)
    record_demo(name, cases=cases, seed=seed)
    if (cases, seed) == (DEMO_CASES, DEMO_SEED):
        install_recorded_runs(open_store(name))
    return report


def start_demo(name: str = "demo") -> PackJob:
    """Start to generate demo tissue, or return the running job.

    A standby trainer loads Keras at the same time, because training usually follows.
    """
    return start_job(check_store_name(name), "cases", demo_command(name), ensure_standby)


def demo_command(name: str) -> list[str]:
    """The command line that generates demo tissue and packs it."""
    return [sys.executable, "-m", "idc.shipped.demo_worker", name]
