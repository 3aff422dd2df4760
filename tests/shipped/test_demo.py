import json

import pytest

from idc.datasets.store import PackReport, list_stores, open_store, verify_store
from idc.errors import ConfigError
from idc.shipped import demo, demo_worker
from idc.shipped.demo import pack_demo


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


@pytest.mark.slow  # paints slides
def test_demo_store_is_marked_as_generated(home):
    seen = []
    pack_demo("demo", cases=3, on_progress=lambda done, total: seen.append((done, total)))
    store = open_store("demo")

    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert store.report.generated
    assert store.report.sources == ("generated tissue, not from patients (seed 0)",)
    assert sorted(set(store.cases.tolist())) == [90001, 90002, 90003]
    assert set(store.labels.tolist()) == {0, 1}
    assert verify_store("demo") == (len(store), 3)


def test_demo_without_cases_is_refused_and_leaves_no_files(home):
    with pytest.raises(ConfigError, match="1 or more"):
        pack_demo("demo", cases=0)

    assert list_stores() == []
