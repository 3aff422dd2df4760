"""A notebook says whether it reaches its run's weights exactly, and why not."""

import pytest

from idc.export.experiment import exactness
from idc.launch.start import create_run
from idc.runs.checksums import write_checked_json
from idc.runs.lineage import LINEAGE_FILE
from idc.runs.run import ENVIRONMENT_FILE
from idc.settings.training_config import preset_config

CPU = {"device": "CPU, 2 cores", "backend": "tensorflow"}


@pytest.fixture
def run(home):
    return create_run(preset_config("fast", "tiny"))


def sentences(run, *, ended=True, **environment):
    write_checked_json(run.folder / ENVIRONMENT_FILE, CPU | environment)
    return exactness(run, ended=ended)


def test_run_on_the_cpu_is_repeated_exactly(run):
    [sentence] = sentences(run)

    assert "reaches the run's weights exactly" in sentence


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"device": "NVIDIA H200"}, "The run trained on NVIDIA H200"),
        ({"backend": "jax"}, "The run trained with Keras on JAX"),
        ({"ended": False}, "The run has not ended"),
    ],
    ids=["gpu", "jax", "not-ended"],
)
def test_reason_against_exactness_is_stated(run, facts, reason):
    first, last = sentences(run, **facts)

    assert first.startswith(reason)
    assert last.endswith("the last cell prints how close the scores come.")


def test_fork_begins_with_other_weights(run):
    (run.folder / LINEAGE_FILE).write_text(
        '{"parent": "a", "title": "a", "epoch": 1, "step": 0, "changed": {},'
        ' "with_optimizer": true}'
    )

    assert sentences(run)[0].startswith("The run is a fork")
