"""The command line: ``python -m idc COMMAND``.

Results go to standard output, everything else to standard error. The exit code is 0, or 2 after an
error, which is one sentence.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from idc.cli import analysis_commands, data_commands, maintainer_commands, training_commands
from idc.cli.parser import build_parser
from idc.errors import IdcError
from idc.processes.console import print_error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code = int(_COMMANDS[options.command](options) or 0)
        sys.stdout.flush()  # a reader that has ended is noticed here, not at Python's exit
        return code
    except IdcError as error:
        return print_error(error)
    except BrokenPipeError:
        # The reader (head, less) has ended; avoid a second error when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return print_error(IdcError("Interrupted."))


def _predict(options: argparse.Namespace) -> int:
    from idc.cli.predict_command import predict_command

    return predict_command(options)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "predict": _predict,
    **analysis_commands.COMMANDS,
    **data_commands.COMMANDS,
    **maintainer_commands.COMMANDS,
    **training_commands.COMMANDS,
}


if __name__ == "__main__":
    sys.exit(main())
