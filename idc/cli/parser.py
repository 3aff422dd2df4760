"""The commands of the shell, and their options with help."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from idc.cli.export_command import add_export_options
from idc.datasets.splits import PROTOCOLS, UNLISTED
from idc.settings.help_texts import SETTING_HELP
from idc.settings.training_config import (
    AUGMENTATIONS,
    BALANCINGS,
    OPTIMIZERS,
    PRECISIONS,
    PRESETS,
    SCHEDULES,
)

_THRESHOLD_HELP = (
    "a patch with at least this probability is positive (default: 0.5, or the bundled model's, "
    "chosen on validation data)"
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``python -m idc``."""
    parser = argparse.ArgumentParser(
        prog="python -m idc",
        description="Pack, train, evaluate and predict on breast-histopathology patches. "
        "For research and teaching, not for diagnosis.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    sub = command(
        "download",
        "Download the data set from Kaggle, check and pack it; resumes after interruptions.",
    )
    sub.add_argument("--name", default="idc", help="the data set's name (idc)")
    sub.add_argument("--keep-zip", action="store_true", help="keep the zip after packing")
    sub.add_argument(
        "--expect",
        type=int,
        metavar="N",
        help="number of distinct patches that the zip must contain (277524, as published)",
    )

    _add_pack(command("pack", "Pack pictures of two classes into one data set."))

    sub = command("demo", "Generate demo tissue: no patient data, no download.")
    sub.add_argument("--name", default="demo", help="the data set's name (demo)")
    sub.add_argument("--cases", type=int, default=12, metavar="N", help="number of slides (12)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="random seed (0)")
    sub.add_argument("--replace", action="store_true", help="replace a data set of that name")

    sub = command("measure", "Measure tissue share and stain of every patch, for the Dataset page.")
    sub.add_argument("name", help="the data set's name")

    sub = command("pack-again", "Pack a data set again from its recorded source.")
    sub.add_argument("name", help="the data set's name")

    _add_deletion(command)

    sub = command("verify", "Read every byte of a data set and check it.")
    sub.add_argument("name", help="the data set's name")

    _add_train(command("train", "Train a network; the last line printed is the run's id."))

    sub = command("resume", "Continue a paused, stopped, killed or finished run.")
    sub.add_argument("run", help="the run's id")
    sub.add_argument(
        "--more-epochs",
        type=int,
        metavar="N",
        help="train N epochs beyond the finished ones (default: an interrupted run "
        "continues to its own number; a finished one trains as many again)",
    )
    _add_on_cpu(sub)
    _add_hosts(sub)

    sub = command("repeat", "Train a run's settings again on the same patches.")
    sub.add_argument("run", help="the run's id")

    sub = command("fork", "Start a new run from the last checkpoint of one, with other settings.")
    sub.add_argument("run", help="the run's id; its held-out patches stay held out")
    _add_training_settings(sub)
    _add_on_cpu(sub)

    sub = command("runs", "List all runs, the newest first.")
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command("recompute", "Write damaged predictions of a run again, from its weights.")
    sub.add_argument("run", help="the run's id")

    sub = command("evaluate", "Score a run on its held-out part, or on another data set.")
    sub.add_argument("run", help="the run's id")
    sub.add_argument("--data", metavar="NAME", help="score all patches of this data set instead")
    sub.add_argument(
        "--part", choices=("test", "validation"), help="default: test, if there is one"
    )
    sub.add_argument(
        "--threshold",
        type=_threshold,
        help=_THRESHOLD_HELP,
    )
    sub.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report as one HTML file"
    )
    sub.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="write each patch's label and probability: .csv or .parquet",
    )
    sub.add_argument("--json", action="store_true", help="as JSON")

    add_export_options(command("export", "Write a run as a notebook or script without IDC Lab."))

    _add_predict(command("predict", "Predict images: files, folders, zips; regions and slides."))

    sub = command("bundle", "For maintainers: train and install the bundled model.")
    sub.add_argument("--data", metavar="NAME", help="a data set of real patches to train on")
    sub.add_argument("--run", help="a finished run that becomes the bundled model instead")
    sub.add_argument(
        "--profile",
        action="store_true",
        help="do not train: recompute the limits of the warnings from the patches of --data",
    )
    sub.add_argument(
        "--digests",
        action="store_true",
        help="do not train: write the checksums and the model digests of all that ships",
    )

    command("record", "For maintainers: train the runs that ship with the demo tissue.")
    _add_analysis_commands(command)
    return parser


def _add_deletion(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    for name, text in (
        ("delete", "Move a data set or a run to the trash."),
        ("restore", "Take the last deleted data set or run of a name out of the trash."),
    ):
        sub = command(name, text)
        sub.add_argument("name", metavar="NAME_OR_RUN", help="a data set's name or a run's id")
        which = sub.add_mutually_exclusive_group()
        for kind, what in (("data", "a data set"), ("run", "a run")):
            which.add_argument(
                f"--{kind}",
                dest="kind",
                action="store_const",
                const=kind,
                help=f"it is {what}; needed only if both have this name",
            )


def _add_analysis_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    sub = command("leakage", "Check a split: shared cases, copies and neighbours across parts.")
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", metavar="NAME", help="the data set's name")
    which.add_argument("--run", metavar="RUN", help="check the split of this run instead")
    sub.add_argument("--protocol", choices=list(PROTOCOLS), help="default: by case, if known")
    sub.add_argument("--unlisted", choices=UNLISTED, default="ignore")
    sub.add_argument("--patches", type=_patch_count, default="all", metavar="N|all")
    sub.add_argument("--seed", type=int, default=0, metavar="S")
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command("compare", "Compare runs on the patches that all of them have scored.")
    sub.add_argument(
        "run", nargs="+", help="ids of two or more runs; the others are compared with the first"
    )
    sub.add_argument(
        "--part", choices=("test", "held out"), help="default: test, if all runs share it"
    )
    sub.add_argument("--threshold", type=_threshold, default=0.5, help="of all runs (0.5)")
    sub.add_argument(
        "--own-thresholds",
        action="store_true",
        help="per run, the threshold of the best balanced accuracy on its validation part",
    )
    sub.add_argument("--json", action="store_true", help="as JSON")

    sub = command("folds", "Cross-validate a run's settings: a prediction for every patch.")
    sub.add_argument("run", help="the run's id; with --resume, the folds' id")
    sub.add_argument("--folds", type=int, default=5, metavar="K", help="folds of cases (5)")
    sub.add_argument("--resume", action="store_true", help="continue stopped folds")

    sub = command("doubtful", "Labels that confident held-out predictions contradict, as CSV.")
    which = sub.add_mutually_exclusive_group(required=True)
    which.add_argument("run", nargs="?", help="the run's id")
    which.add_argument("--folds", metavar="ID", help="use the predictions of these folds instead")

    sub = command("marks", "The marks of reviewers on a data set, as CSV.")
    sub.add_argument("data", help="the data set's name")


def _add_predict(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("path", nargs="*", type=Path, help="an image, a folder, a zip, or a slide")
    sub.add_argument(
        "--run", help="the run whose model predicts (default: the newest, else the bundled one)"
    )
    sub.add_argument("--csv", default="-", metavar="FILE", help="output file; - is standard output")
    sub.add_argument("--threshold", type=_threshold, help=_THRESHOLD_HELP)
    region = sub.add_argument_group("regions and whole slides (svs, ndpi, mrxs, ...)")
    region.add_argument(
        "--region", action="store_true", help="the image is a region: cut it into patches"
    )
    region.add_argument(
        "--mpp",
        type=float,
        metavar="UM",
        help="micrometres per pixel (default: as stated in the file; 40x is 0.25)",
    )
    region.add_argument(
        "--own-pixels",
        action="store_true",
        help="cut the image into patches as it is, for a run on patches of unknown scale",
    )
    region.add_argument(
        "--overlap", action="store_true", help="patches overlap by half and are averaged"
    )
    region.add_argument(
        "--only",
        type=Path,
        metavar="FILE",
        help="predict only inside these annotations: GeoJSON from QuPath (with --out also a "
        "folder with a file for each slide: a.geojson for a.svs)",
    )
    region.add_argument("--geojson", metavar="FILE", help="write the predictions for QuPath")
    region.add_argument("--png", metavar="FILE", help="write the heat map")
    many = sub.add_argument_group("many slides: files, folders of them, or a data set's cases")
    many.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write one Parquet file per slide here; slides with a file are skipped",
    )
    many.add_argument("--data", metavar="NAME", help="the cases of this data set as slides")
    many.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="this machine's devices, or a Ray cluster (RAY_ADDRESS; needs requirements-ray.txt)",
    )
    many.add_argument(
        "--devices",
        metavar="0,1,...",
        help="one worker each: GPU numbers, or cpu (default: all GPUs, else cpu)",
    )


def _add_train(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="A file of settings: a run's config.json, or a file saved on the Train page. Options "
        "override it. Without a file, the preset's settings are the defaults.",
    )

    add = _setting_adder(sub)
    add("data", metavar="NAME")
    add("preset", choices=list(PRESETS))
    add("architecture", metavar="TEXT")
    add("protocol", choices=list(PROTOCOLS))
    add("unlisted", choices=UNLISTED)
    add("patches", type=_patch_count, metavar="N|all")
    add("folds", type=int, metavar="K")
    add("fold", type=int, metavar="N")
    add("leave_out_marked", action=argparse.BooleanOptionalAction)
    add("split_seed", type=int, metavar="S")
    _add_training_settings(sub)
    _add_on_cpu(sub)
    _add_hosts(sub)


def _add_training_settings(sub: argparse.ArgumentParser) -> None:
    """The settings that a fork may also change."""
    add = _setting_adder(sub)
    add("seed", type=int, metavar="S")
    add("epochs", type=int, metavar="N")
    add("batch_size", type=int, metavar="N")
    add("learning_rate", type=float, metavar="R")
    add("optimizer", choices=OPTIMIZERS)
    add("weight_decay", type=float, metavar="D")
    add("schedule", choices=list(SCHEDULES))
    add("label_smoothing", type=float, metavar="E")
    add("augmentation", choices=list(AUGMENTATIONS))
    add("balancing", choices=list(BALANCINGS))
    add("early_stopping", action=argparse.BooleanOptionalAction)
    add("patience", type=int, metavar="N")
    add("precision", choices=list(PRECISIONS))
    add("name")


def _setting_adder(sub: argparse.ArgumentParser) -> Callable[..., None]:
    """Returns a function that adds an option for a setting, with the form's help text."""

    def add(name: str, **options: Any) -> None:
        option = "--" + name.replace("_", "-")
        text = SETTING_HELP[name].replace("%", "%%")
        sub.add_argument(option, default=None, help=text, **options)

    return add


def _add_on_cpu(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--on-cpu",
        action=argparse.BooleanOptionalAction,
        help="train on the CPU even if there is a GPU, also when the run is continued",
    )


def _add_hosts(sub: argparse.ArgumentParser) -> None:
    several = sub.add_argument_group("several machines as one (Keras on JAX)")
    several.add_argument(
        "--hosts",
        metavar="HOST0:PORT,HOST1:PORT",
        help="the same on each machine; the first one holds the run and its settings",
    )
    several.add_argument(
        "--host-index", type=int, default=0, metavar="N", help="index of this machine, from 0"
    )


def _patch_count(text: str) -> int | str:
    return text if text == "all" else int(text)


def _threshold(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie in [0, 1], received {text}")
    return value


def _add_pack(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "source", nargs="+", type=Path, help="a zip, a folder, a CSV of labels, HDF5 or .npz files"
    )
    sub.add_argument("--name", required=True, help="the data set's name")
    sub.add_argument("--replace", action="store_true", help="replace a data set of that name")
    sub.add_argument(
        "--dry-run", action="store_true", help="show what was recognised, and pack nothing"
    )
    sub.add_argument(
        "--labels", type=Path, metavar="CSV", help="a table of file,label and perhaps case,x,y"
    )
    sub.add_argument(
        "--positive",
        type=_comma_separated,
        default=(),
        metavar="NAME[,NAME]",
        help="the positive class or classes; all others become the negative one",
    )
    sub.add_argument(
        "--classes",
        type=_comma_separated,
        default=(),
        metavar="NEGATIVE,POSITIVE",
        help="names for the two classes",
    )
    sub.add_argument(
        "--pattern",
        default="",
        metavar="REGEX",
        help="a regular expression with the named groups case, x, y or label, searched in each "
        "file's path",
    )
    sub.add_argument("--side", type=int, metavar="PX", help="side of the stored patches, 28 to 512")
    sub.add_argument(
        "--mpp", type=float, metavar="UM", help="micrometres per pixel of the pictures"
    )
    sub.add_argument(
        "--skip-copies",
        action="store_true",
        help="leave out pictures whose names mark likely copies (rotated, augmented, numbered)",
    )
    sub.add_argument(
        "--no-cases",
        action="store_true",
        help="pictures of one patient cannot be told apart; only a random split is possible",
    )


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
