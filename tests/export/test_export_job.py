"""A page's exports are made by the shell's command in a process of its own."""

import io

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.errors import DataError, RunError
from idc.export import export_job
from idc.export.export_job import EXPORT_KINDS, export_files, start_export
from tests.support.evaluated_run import evaluated_run
from tests.support.waiting import wait_until


def test_file_is_made_in_a_process_and_kept(home):
    run = evaluated_run()
    job = start_export(run, "patches")
    assert start_export(run, "patches") is job

    wait_until(lambda: not job.live, "the export has ended")

    assert (job.state, job.problem) == ("done", "")
    with np.load(io.BytesIO(job.files["tiny.npz"])) as arrays:
        assert np.array_equal(arrays["patches"], open_store("tiny").patches)


def test_refusal_of_the_command_is_the_sentence(home, monkeypatch):
    run = evaluated_run()
    monkeypatch.setattr(export_job, "_check_size", lambda run: None)
    (home / "data" / "tiny").rename(home / "data" / "other")

    with pytest.raises(RunError, match=r"^There is no data set named 'tiny'"):
        export_files(run, "patches")


def test_large_data_set_is_left_to_the_shell(home, monkeypatch):
    run = evaluated_run()
    monkeypatch.setattr(export_job, "_MAX_PATCHES_BYTES", 100)

    with pytest.raises(DataError, match=rf"python -m idc export {run.id} --patches tiny\.npz"):
        export_files(run, "patches")


def test_every_kind_names_options_of_the_command():
    from idc.cli.parser import build_parser

    for made in EXPORT_KINDS.values():
        options = build_parser().parse_args(["export", "RUN", *made.options, f"a{made.suffix}"])
        assert str(options.notebook or options.script or options.out or options.patches) == (
            f"a{made.suffix}"
        )
