"""A run with handwritten predictions, for the tests of Evaluate and the report."""

import numpy as np
import pandas as pd

from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE, Run, RunStatus
from idc.settings.training_config import preset_config
from tests.support.made_patches import tiny_store

# Rows 0 to 9: labels alternate 0 and 1; one false positive, two false negatives.
Y_PROB = (0.1, 0.9, 0.2, 0.8, 0.7, 0.95, 0.3, 0.4, 0.05, 0.2)


def evaluated_run(*, cases: int = 1, name: str = "", **parts: dict[int, float]) -> Run:
    """A finished run on a store of ten patches.

    Args:
        cases: number of cases of the ten patches.
        parts: part -> {row: probability}; by default all ten are validation patches.
    """
    tiny_store("tiny", cases=3 * cases, per_case=10 // cases)
    run = create_run(preset_config("notebook", "tiny", protocol="random", epochs=1, name=name))
    answers = parts or {"validation": dict(enumerate(Y_PROB))}
    table = pd.DataFrame(
        [(row, p, part) for part, of_part in answers.items() for row, p in of_part.items()],
        columns=["row", "probability", "part"],
    ).astype({"row": np.int64, "probability": np.float32})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run
