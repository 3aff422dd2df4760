"""The app's jobs from a shell: ``python -m idc COMMAND``.

Results go to standard output, everything else to standard error. Exit code 0, or 2 after one
sentence about what went wrong.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from idc.cli.analysis_commands import JUDGING
from idc.cli.data_commands import demo, download, measure, pack, verify
from idc.cli.maintainer_commands import bundle, record
from idc.cli.parser import command_line
from idc.cli.predict_command import predict_command
from idc.cli.training_commands import TRAINING, runs
from idc.errors import IdcError
from idc.processes.console import fail


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = command_line().parse_args(arguments)
    try:
        return int(_JOBS[options.command](options) or 0)
    except IdcError as error:
        return fail(error)
    except BrokenPipeError:
        # The reader (head, less) has gone; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return fail(IdcError("Interrupted."))


def evaluate(options: argparse.Namespace) -> None:
    from idc.cli.evaluate_command import evaluate_command

    evaluate_command(options)


_JOBS = {
    "download": download,
    "pack": pack,
    "demo": demo,
    "measure": measure,
    "verify": verify,
    "runs": runs,
    "evaluate": evaluate,
    "predict": predict_command,
    "bundle": bundle,
    "record": record,
    **TRAINING,
    **JUDGING,
}


if __name__ == "__main__":
    sys.exit(main())
