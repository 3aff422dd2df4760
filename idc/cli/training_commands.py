"""Shell commands that train. They replace their process by the trainer."""

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import Any

from idc.errors import ConfigError, RunError
from idc.files.home import PROJECT_DIR
from idc.processes.detached import module_command
from idc.processes.environment import child_environment
from idc.runs import control
from idc.runs.device_choice import set_cpu_only
from idc.settings.json_file import read_settings_file
from idc.settings.training_config import TrainingConfig, preset_config, split_for_config

_NOT_SETTINGS = ("command", "config", "run", "hosts", "host_index", "on_cpu")


def train_command(options: argparse.Namespace) -> None:
    """Create a run and execute its trainer."""
    from idc.datasets.label_marks import rows_marked_wrong
    from idc.datasets.splits import protocols_for, split_note
    from idc.datasets.store import open_store
    from idc.launch.start import start_runs

    if options.hosts and options.host_index:
        _exec_trainer(None, options)
    config = config_from_options(options)
    store = open_store(config.data)
    if "protocol" not in _given_settings(options) and options.config is None:
        config = replace(config, protocol=protocols_for(store.description)[0])
    marked = rows_marked_wrong(config.data, store.index) if config.leave_out_marked else None
    split = split_for_config(config, store, marked)
    print(split.counts(store.index).to_string(float_format="{:.3f}".format), file=sys.stderr)
    held_out, shape = len(split.validation) + len(split.test), store.description.patch_shape
    print(
        f"training array {(len(split.train), *shape)}, held-out array {(held_out, *shape)}, "
        "uint8 RGB",
        file=sys.stderr,
    )
    if note := split_note(split, store.description):
        print(note, file=sys.stderr)
    start_runs(
        config,
        populate=lambda folder: set_cpu_only(folder, bool(options.on_cpu)),
        start=lambda run: _exec_trainer(run.id, options),
    )


def config_from_options(options: argparse.Namespace) -> TrainingConfig:
    """The settings of ``train``: those of the file or the preset, overridden by the options.

    Raises:
        ConfigError: the file cannot be read, no data set is given, or a value is invalid.
    """
    settings = _given_settings(options)
    if settings.get("patches") == "all":
        settings["patches"] = None
    if options.config is not None:
        try:
            content = options.config.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"The settings in '{options.config}' cannot be read ({error.strerror})."
            ) from error
        return replace(read_settings_file(content), **settings)
    if "data" not in settings:
        raise ConfigError("No data set is named; give --data NAME, or --config FILE.")
    return preset_config(settings.pop("preset", "notebook"), settings.pop("data"), **settings)


def _given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings among the options that were given."""
    return {
        name: value
        for name, value in vars(options).items()
        if value is not None and name not in _NOT_SETTINGS
    }


def resume_command(options: argparse.Namespace) -> None:
    """Execute the trainer of a run that has ended, or resume the one of a paused run."""
    from idc.launch.start import prepare_to_resume, send_request
    from idc.runs.lock import is_locked
    from idc.runs.run import open_run

    if options.hosts and options.host_index:
        _exec_trainer(None, options)
    run = open_run(options.run)
    if run.status().state == "paused" and is_locked(run.folder) and not options.more_epochs:
        send_request(run, control.RESUME)
        print("The paused trainer of this run continues.", file=sys.stderr)
        print(run.id)
        return
    if options.on_cpu is not None:
        set_cpu_only(run.folder, options.on_cpu)
    prepare_to_resume(run, options.more_epochs)
    _exec_trainer(run.id, options)


def repeat_command(options: argparse.Namespace) -> None:
    """Create a run of the same settings on the same patches, and execute its trainer."""
    from idc.launch.start import start_runs
    from idc.runs.run import open_run

    run = open_run(options.run)
    start_runs(run.config, left_out_from=run, start=lambda repeated: _exec_trainer(repeated.id))


def fork_command(options: argparse.Namespace) -> None:
    """Create a run from another run's last checkpoint, and execute its trainer."""
    from idc.launch.fork import create_fork
    from idc.runs.run import open_run

    parent = open_run(options.run)
    if parent.status().live:  # its checkpoints are being replaced
        raise RunError(f"The run '{parent.title}' is being trained; pause or stop it first.")
    run = create_fork(parent, replace(parent.config, **_given_settings(options)))
    set_cpu_only(run.folder, bool(options.on_cpu))
    _exec_trainer(run.id)


def _exec_trainer(run_id: str | None, options: argparse.Namespace | None = None) -> None:
    # A new program, because Keras must be imported first (see idc.training.trainer), in the same
    # process, so that the caller can watch, interrupt or kill the training.
    sys.stdout.flush()
    sys.stderr.flush()
    environment = child_environment(runs_network=True)
    search_path = [str(PROJECT_DIR), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(search_path).rstrip(os.pathsep)
    arguments = [run_id, "--follow"] if run_id else []
    if options and options.hosts:
        arguments += ["--hosts", options.hosts, "--host-index", str(options.host_index)]
    os.execve(sys.executable, module_command("idc.training.trainer", *arguments), environment)


def recompute_command(options: argparse.Namespace) -> None:
    """Write a run's predictions and calibration again from its weights, and repair its log."""
    from idc.launch.recompute import recompute_files
    from idc.runs.run import open_run

    run = open_run(options.run)
    recompute_files(run)
    for problem in [*run.damage(), *run.log().problems]:
        print(f"Still damaged: {problem}", file=sys.stderr)
    print(run.id)


def runs_command(options: argparse.Namespace) -> None:
    from idc.runs.run import list_damaged_runs, list_runs

    rows = []
    for run in list_runs():
        log = run.log()
        status, best = run.status(), log.best_epoch() or {}
        for problem in log.problems:
            print(f"{run.id}: {problem}", file=sys.stderr)
        rows.append(
            {
                "run": run.id,
                "name": run.notes().name,
                "state": status.state,
                "epoch": status.epoch,
                "epochs": status.epochs,
                "preset": run.config.preset,
                "backend": run.environment().get("backend"),
                "data": run.config.data,
                "protocol": run.config.protocol,
                "best_epoch": best.get("epoch"),
                "val_balanced_accuracy": best.get("val_balanced_accuracy"),
                "val_roc_auc": best.get("val_roc_auc"),
                "reason": status.reason,
            }
        )
    damaged = list_damaged_runs()
    rows += [{"run": run.id, "state": "damaged", "reason": run.problem} for run in damaged]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    line = (
        "{run:<32} {state:<12} {epochs:>9} {preset:<9} {backend:<10} {protocol:<14} {score:>8}  "
        "{data}"
    )
    print(
        line.format(
            run="RUN",
            state="STATE",
            epochs="EPOCHS",
            preset="PRESET",
            backend="BACKEND",
            protocol="PROTOCOL",
            score="BAL.ACC.",
            data="DATA",
        )
    )
    for row in rows[: len(rows) - len(damaged)]:
        score = row["val_balanced_accuracy"]
        shown = {
            **row,
            "epochs": f"{row['epoch']}/{row['epochs']}",
            "backend": row["backend"] or "",
            "score": "" if score is None else f"{score:.3f}",
        }
        print(line.format(**shown))
    for unreadable in damaged:
        print(f"{unreadable.id:<32} {'damaged':<12} {unreadable.problem}")


COMMANDS = {
    "train": train_command,
    "resume": resume_command,
    "repeat": repeat_command,
    "fork": fork_command,
    "recompute": recompute_command,
    "runs": runs_command,
}
