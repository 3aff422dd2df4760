"""``python -m idc export``: a run as notebook, script, model file or record of another system."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from idc.cli.output_file import check_outputs, write_output
from idc.errors import IdcError

if TYPE_CHECKING:
    from idc.runs.run import Run

_FORMATS = ("keras", "onnx", "litert")


def add_export_options(sub: argparse.ArgumentParser) -> None:
    """The options of the command."""
    sub.add_argument("run", help="the run's id")
    code = sub.add_argument_group("code of plain Keras")
    code.add_argument("--notebook", type=Path, metavar="FILE", help="write a Jupyter notebook")
    code.add_argument("--script", type=Path, metavar="FILE", help="write the same as a script")
    code.add_argument(
        "--patches",
        type=Path,
        metavar="FILE",
        help="write the run's data set as one .npz file of NumPy arrays, which notebooks of other "
        "data sets than Kaggle's read",
    )
    model = sub.add_argument_group("the model, checked on 64 patches after writing")
    model.add_argument("--format", choices=_FORMATS, help="of the file that --out names")
    model.add_argument("--out", type=Path, metavar="FILE", help="write the model, and FILE.json")
    model.add_argument(
        "--licence",
        metavar="ID",
        default="other",
        help="the licence under which you publish the model, such as mit (other: not stated)",
    )
    systems = sub.add_argument_group("other systems (requirements-export.txt)")
    systems.add_argument(
        "--hub", type=Path, metavar="FOLDER", help="write a folder ready to push to Hugging Face"
    )
    systems.add_argument(
        "--mlflow", metavar="URI", help="log settings, curves, scores, report and model to MLflow"
    )
    sub.add_argument("--replace", action="store_true", help="replace files of these names")


def export_command(options: argparse.Namespace) -> None:
    """Write what the options name."""
    from idc.runs.run import open_run

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run = open_run(options.run)
    _check(options)
    if (options.notebook or options.script or options.patches) and not run.bundled:
        from idc.datasets.store import verify_store

        verify_store(run.config.data)  # a changed pixel would change the run in silence
    if options.notebook or options.script:
        _write_code(run, options)
    if options.patches:
        _write_patches(run, options.patches)
    if options.out:
        from idc.export.model_file import description_path, write_model_file

        with _write_errors(options.out):
            write_model_file(run, options.format, options.out, licence=options.licence)
        print(options.out)
        print(description_path(options.out))
    if options.hub:
        from idc.export.hub_folder import write_hub_folder

        with _write_errors(options.hub):
            write_hub_folder(run, options.hub, licence=options.licence)
        print(options.hub)
    if options.mlflow:
        from idc.export.mlflow_log import log_to_mlflow

        print(log_to_mlflow(run, options.mlflow, licence=options.licence))


def _check(options: argparse.Namespace) -> None:
    """Find before the work what would prevent writing."""
    files = [options.notebook, options.script, options.patches, options.out]
    if not any([*files, options.format, options.hub, options.mlflow]):
        raise IdcError(
            "Nothing is named to write; give --notebook, --script, --patches, --format with "
            "--out, --hub or --mlflow."
        )
    if bool(options.format) != bool(options.out):
        raise IdcError("Give both --format and --out.")
    check_outputs(*files)
    if options.out:
        files.append(options.out.with_name(f"{options.out.name}.json"))
    for path in files:
        if path is not None and path.is_file() and not options.replace:
            raise IdcError(f"'{path}' exists; give --replace, or choose another name.")
    if options.mlflow:
        from idc.export.mlflow_log import check_uri

        check_uri(options.mlflow)


def _write_code(run: "Run", options: argparse.Namespace) -> None:
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


def _write_patches(run: "Run", path: Path) -> None:
    from idc.datasets.store import open_store
    from idc.export.patches_file import write_patches
    from idc.runs.run import check_same_data

    if run.bundled:
        raise IdcError("The data set of the bundled model is not part of IDC Lab.")
    store = open_store(run.config.data)
    check_same_data(run, store)
    with _write_errors(path):
        write_patches(store, path)
    print(path)


@contextlib.contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IdcError(
            f"'{path}' cannot be written ({error.strerror or error}); make room or choose another "
            "path."
        ) from error


COMMANDS = {"export": export_command}
