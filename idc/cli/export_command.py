"""``python -m idc export``: a run as a notebook or script, for machines without IDC Lab."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from idc.cli.output_file import check_outputs, write_output
from idc.errors import IdcError


def add_export_options(sub: argparse.ArgumentParser) -> None:
    """The options of the command."""
    sub.add_argument("run", help="the run's id")
    sub.add_argument("--notebook", type=Path, metavar="FILE", help="write a Jupyter notebook")
    sub.add_argument("--script", type=Path, metavar="FILE", help="write the same as a script")
    sub.add_argument(
        "--patches",
        type=Path,
        metavar="FILE",
        help="write the run's data set as one .npz file of NumPy arrays, which notebooks of other "
        "data sets than Kaggle's read",
    )
    sub.add_argument("--replace", action="store_true", help="replace files of these names")


def export_command(options: argparse.Namespace) -> None:
    """Write what the options name."""
    from idc.runs.run import open_run

    run = open_run(options.run)
    targets = [options.notebook, options.script, options.patches]
    if not any(targets):
        raise IdcError("Nothing is named to write; give --notebook, --script or --patches FILE.")
    check_outputs(*targets)
    _refuse_existing(targets, replace=options.replace)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.notebook or options.script:
        from idc.export.notebook import notebook_bytes, reads_patches_file, script_bytes

        for path, make in ((options.notebook, notebook_bytes), (options.script, script_bytes)):
            if path:
                write_output(path, make(run))
                print(path)
        if not options.patches and (name := reads_patches_file(run)):
            print(
                f"It reads the patches from a file '{name}'; to write it: "
                f"python -m idc export {run.id} --patches {name}",
                file=sys.stderr,
            )
    if options.patches:
        from idc.datasets.store import open_store
        from idc.export.patches_file import write_patches

        if run.bundled:
            raise IdcError("The data set of the bundled model is not part of IDC Lab.")
        with _write_errors(options.patches):
            write_patches(open_store(run.config.data), options.patches)
        print(options.patches)


def _refuse_existing(paths: list[Path | None], *, replace: bool) -> None:
    for path in paths:
        if path is not None and path.is_file() and not replace:
            raise IdcError(f"'{path}' exists; give --replace, or choose another name.")


@contextlib.contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IdcError(
            f"'{path}' cannot be written ({error.strerror}); make room or choose another path."
        ) from error


COMMANDS = {"export": export_command}
