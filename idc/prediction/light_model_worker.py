"""The process that writes a run's ``model.tflite``: ``python -m idc.prediction.light_model_worker``
with the run's folder. It imports TensorFlow; `idc.prediction.light_models` starts it.
"""

import sys
from pathlib import Path

from idc.errors import IdcError
from idc.processes.console import print_error
from idc.runs.light_model import write_light_model
from idc.runs.run import open_run_at


def main(folder: str) -> int:
    """Write the file and its record. Returns 0, or 2 after an error."""
    try:
        write_light_model(open_run_at(Path(folder)))
    except IdcError as error:
        return print_error(error)
    except OSError as error:
        return print_error(IdcError(f"'{folder}' cannot be written: {error.strerror}."))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
