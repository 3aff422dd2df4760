"""The command line: ``python -m idc COMMAND``.

Results go to standard output, everything else to standard error. The exit code is 0, or 2 after an
error, which is one sentence.
"""

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Sequence

from idc.cli import (
    analysis_commands,
    data_commands,
    export_command,
    maintainer_commands,
    training_commands,
)
from idc.cli.parser import build_parser
from idc.errors import IdcError, file_error_sentence
from idc.processes.console import print_error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code = int(_COMMANDS[options.command](options) or 0)
        sys.stdout.flush()  # a reader that has ended, or a full disk, is noticed here, not at exit
        return code
    except IdcError as error:
        return print_error(error)
    except BrokenPipeError:
        _discard_output()  # the reader (head, less) has ended
        return 0
    except KeyboardInterrupt:
        return print_error(IdcError("Interrupted."))
    except OSError as error:
        _discard_output()
        return print_error(IdcError(_system_error_sentence(error)))
    except Exception as error:
        if os.environ.get("IDC_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {str(error)[:200]}"
        sentence = f"An error in IDC Lab or in a file: {what}. Set IDC_TRACEBACK=1 to see where."
        return print_error(IdcError(sentence))


def _discard_output() -> None:
    """Avoid a second error when Python flushes the standard output at exit."""
    with contextlib.suppress(OSError, ValueError):  # replaced by a buffer without a descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _system_error_sentence(error: OSError) -> str:
    if error.errno == errno.ENOSPC and error.filename is None:
        return "The output cannot be written: the disk is full. Free some space."
    return file_error_sentence(error) or f"A file cannot be read or written ({error})."


def _predict(options: argparse.Namespace) -> int:
    from idc.cli.predict_command import predict_command

    return predict_command(options)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "predict": _predict,
    **analysis_commands.COMMANDS,
    **data_commands.COMMANDS,
    **export_command.COMMANDS,
    **maintainer_commands.COMMANDS,
    **training_commands.COMMANDS,
}


if __name__ == "__main__":
    sys.exit(main())
