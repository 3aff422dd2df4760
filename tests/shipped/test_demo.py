import json

import pytest

from idc.datasets.splits import make_split
from idc.datasets.store import PackReport, list_stores, open_store, verify_store
from idc.errors import ConfigError
from idc.evaluation.results import saved_results
from idc.runs.run import list_runs
from idc.shipped import demo, demo_worker
from idc.shipped.demo import pack_demo
from idc.shipped.recorded_runs import RECORDED_DIR


def test_start_demo_packs_cases_in_its_own_process_then_prepares_a_trainer(home, monkeypatch):
    started = []
    monkeypatch.setattr(demo, "start_job", lambda *job: started.append(job))

    demo.start_demo()

    assert started == [("demo", "cases", demo.demo_command("demo"), demo.ensure_standby)]


def test_demo_worker_reports_progress_and_result(home, monkeypatch, capsys):
    def pack_demo(name, on_progress):
        on_progress(12, 12)
        return PackReport(sources=(name,), generated=True)

    monkeypatch.setattr(demo_worker, "pack_demo", pack_demo)
    monkeypatch.setattr("idc.ingest.packing_worker.signal.signal", lambda *_: None)

    assert demo_worker.main(["demo"]) == 0

    progress, end = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert progress == {"done": 12, "total": 12}
    assert PackReport.from_json(end["report"]) == PackReport(sources=("demo",), generated=True)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A home with the default demo set; its progress."""
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(tmp_path_factory.mktemp("demo")))
        pack_demo("demo", on_progress=lambda done, total: seen.append((done, total)))
        yield seen


@pytest.mark.slow  # paints slides
def test_demo_store_is_marked_as_generated(packed):
    store = open_store("demo")

    assert packed == [(done, 12) for done in range(1, 13)]
    assert store.report.generated
    assert store.report.sources == ("generated tissue, not from patients (seed 0)",)
    assert sorted(set(store.cases.tolist())) == list(range(90001, 90013))
    assert set(store.labels.tolist()) == {0, 1}
    assert verify_store("demo") == (len(store), 12)


@pytest.mark.slow
def test_demo_tissue_comes_with_its_recorded_runs(packed):
    installed = list_runs()

    assert [run.id for run in installed] == sorted(
        (path.name for path in RECORDED_DIR.iterdir()), reverse=True
    )
    held_out = make_split(open_store("demo").index, "case-disjoint").test
    for run in installed:
        assert sorted(saved_results(run).rows.tolist()) == held_out.tolist()


def test_demo_without_cases_is_refused_and_leaves_no_files(home):
    with pytest.raises(ConfigError, match="1 or more"):
        pack_demo("demo", cases=0)

    assert list_stores() == []
