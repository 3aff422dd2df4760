"""Whether a run's scores may be held against published ones."""

from idc.datasets.store import open_store
from idc.evaluation.published import why_not_comparable
from idc.results import Results
from idc.runs.run import Run, check_same_data
from idc.runs.split import run_split


def comparison_reasons(run: Run, results: Results) -> list[str]:
    """Why not, in sentences; empty when they may be compared.

    Args:
        results: the run's own, saved or fresh.
    """
    if results.part == "all":
        return ["All patches of a data set were scored, not the published test part."]
    trained = None
    if not run.bundled:
        store = open_store(run.config.data)
        check_same_data(run, store)
        trained = store.index.iloc[run_split(run, store).train]
    return why_not_comparable(run.config, results.part, results.patches, trained)
