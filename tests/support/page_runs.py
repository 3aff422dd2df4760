"""Runs in fixed states, for the tests of Train."""

from idc.launch.start import create_run
from idc.runs.log import LogWriter
from idc.runs.run import RunStatus
from idc.settings.training_config import preset_config


def finished_run():
    run = create_run(preset_config("notebook", "tiny", protocol="random", epochs=3))
    log = LogWriter(run.folder)
    log.append("start", epoch=0, epochs=3, steps=2, time=0)
    for step in (1, 2):
        log.append("step", epoch=1, step=step, loss=0.7, accuracy=0.5, elapsed_s=1.0)
    log.append(
        "epoch",
        epoch=1,
        loss=0.7,
        accuracy=0.5,
        val_loss=0.6,
        val_accuracy=0.75,
        val_balanced_accuracy=0.7,
        val_roc_auc=None,
        val_confusion_matrix=[[4, 1], [2, 3]],
        seconds=1.0,
        best=True,
    )
    run.write_status(RunStatus(state="stopped", epochs=3, epoch=1, steps=2, reason="Stopped."))
    return run


def training_run(**settings):
    """A run by case on the store "tiny" with the state running; live while its lock is held."""
    run = create_run(preset_config("fast", "tiny", epochs=3, **settings))
    status = RunStatus(state="running", phase="training", epochs=3, epoch=1, step=1, steps=2)
    run.write_status(status)
    LogWriter(run.folder).append("start", epoch=0, epochs=3, steps=2, time=0)
    return run
