"""Pack a data set again from its recorded source; generated tissue is generated again."""

from idc.datasets.store import PackReport
from idc.errors import DataError
from idc.ingest.pack_data import pack_data
from idc.ingest.packing_job import PackJob, start_job
from idc.ingest.recorded_source import RecordedSource, read_source
from idc.launch.deletion import training_on
from idc.processes.detached import module_command
from idc.progress import ProgressCallback
from idc.shipped.demo import DEMO_CASES, DEMO_SEED, pack_demo

_DEMO = RecordedSource(demo=(("cases", DEMO_CASES), ("seed", DEMO_SEED)))


def pack_again(name: str, *, on_progress: ProgressCallback | None = None) -> PackReport:
    """Replace a data set by a new packing of its source. A failure leaves it as it is.

    Args:
        on_progress: called with (done, total) of patches, or of cases of generated tissue.

    Raises:
        DataError: the source is not recorded or not there, or the data set is in use.
    """
    source = checked_source(name)
    if source.demo:
        return pack_demo(name, **dict(source.demo), replace_existing=True, on_progress=on_progress)
    return pack_data(
        source.paths, name, source.options, replace_existing=True, on_progress=on_progress
    )


def start_packing_again(name: str) -> PackJob:
    """`pack_again` in the background; errors that can be known before are raised here."""
    unit = "cases" if checked_source(name).demo else "patches"
    return start_job(name, unit, module_command("idc.shipped.pack_again_worker", name))


def checked_source(name: str) -> RecordedSource:
    """The source of a data set that can be packed again now.

    Raises:
        DataError: as `pack_again`.
    """
    if user := training_on(name):
        raise DataError(f"The data set '{name}' is in use by {user}; stop it first.")
    try:
        source = read_source(name)
    except DataError:
        if name != "demo":
            raise
        return _DEMO  # made by an earlier version, or damaged
    labels = [source.options.labels] if source.options.labels else []
    if gone := [path for path in [*source.paths, *labels] if not path.exists()]:
        raise DataError(
            f"The data set '{name}' was packed from '{gone[0]}', which is not there any more. Put "
            "it back, or delete the data set and add it again from another copy."
        )
    return source
