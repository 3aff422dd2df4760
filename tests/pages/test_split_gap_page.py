import numpy as np
import pandas as pd
import pytest

from idc.launch.start import create_run
from idc.runs.run import PREDICTIONS_FILE, RunStatus, list_runs
from idc.settings.training_config import preset_config
from tests.support.app_pages import metrics, open_page, text
from tests.support.made_patches import tiny_store


@pytest.fixture(autouse=True)
def tiny(home):
    return tiny_store("tiny", cases=6, per_case=10)


@pytest.fixture
def started(monkeypatch):
    """Runs that the page starts, in order; no trainer process is created."""
    ids = []
    monkeypatch.setattr("idc.launch.start.start_trainer", lambda run: ids.append(run.id))
    return ids


def made_run(protocol, y_prob, **settings):
    run = create_run(preset_config("fast", "tiny", protocol=protocol, **settings))
    if y_prob is None:
        run.write_status(RunStatus(state="running", epochs=3, epoch=1, phase="training"))
        return run
    rows = np.arange(len(y_prob))
    table = pd.DataFrame({"row": rows, "probability": np.float32(y_prob), "part": "test"})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=3, epoch=3))
    return run


def gap_page(random, by_case):
    return open_page("leakage", query={"random": random.id, "by_case": by_case.id})


def test_gap_is_shown_as_text_and_figure_and_kept_in_url():
    at = gap_page(made_run("random", [0.1, 0.9] * 30), made_run("case-disjoint", [0.1, 0.2] * 30))

    assert "That is 0.500 less: the random split flatters by as much." in text(at).replace("\\", "")
    assert metrics(at) == {
        "The random split promises": "1.000",
        "Unseen cases get": "0.500",
        "Gap": "−0.500",
    }
    table = at.table[0].value
    assert table["Score"].tolist()[:2] == ["Balanced accuracy", "ROC AUC"]
    assert table["Gap"].tolist()[0] == "**−0.500 (−0.500 to −0.500)**"
    assert "60 patches of 6 cases at random" in text(at)
    assert len(at.get("plotly_chart")) == 1


def test_progress_is_shown_until_both_runs_finish():
    random, by_case = made_run("random", [0.1, 0.9] * 30), made_run("case-disjoint", None)
    with by_case.trainer_lock():
        at = gap_page(random, by_case)

        assert not at.metric
        assert len(at.get("progress")) == 1
        assert "epoch 1 of 3" in text(at)


def test_pair_with_unequal_epochs_shows_a_warning():
    random, by_case = (made_run(p, [0.1, 0.9] * 30) for p in ("random", "case-disjoint"))
    assert not gap_page(random, by_case).warning

    for status in (
        RunStatus(state="finished", epochs=5, epoch=5),
        RunStatus(state="stopped", epochs=3, epoch=1, reason="Stopped."),
    ):
        by_case.write_status(status)
        at = gap_page(random, by_case)
        assert at.metric
        assert "not trained equally far" in at.warning[0].value


def test_paused_run_of_pair_is_shown_as_paused():
    random, by_case = made_run("random", [0.1, 0.9] * 30), made_run("case-disjoint", [0.1] * 60)
    by_case.write_status(RunStatus(state="paused", epochs=3, epoch=1))

    at = gap_page(random, by_case)

    assert not at.metric
    assert at.info[0].value.startswith("Paused. Resume it on Train.")
    assert not at.warning


def test_no_run_starts_when_one_split_is_impossible(started):
    tiny_store("a-two", cases=2, per_case=30)
    at = open_page("leakage", query={"data": "a-two", "split": "random"})

    at.button(key="start_both").click().run()

    assert "needs at least 3 cases" in at.error[0].value
    assert (started, list_runs()) == ([], [])


def test_interrupted_run_shows_how_to_continue():
    random, by_case = made_run("random", [0.1, 0.9] * 30), made_run("case-disjoint", None)
    at = gap_page(random, by_case)

    assert not at.metric
    assert "continue the run" in at.warning[0].value


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"random": "../../etc/passwd", "by_case": "x"}, "There is no run"),
        ({"by_case": "missing"}, "There is no run"),
    ],
)
def test_wrong_link_shows_a_message_and_the_check(query, sentence):
    at = open_page("leakage", query=query)

    assert sentence in at.error[0].value
    assert at.button(key="check")
    assert not at.exception


def test_runs_that_are_no_pair_show_an_error():
    at = gap_page(made_run("random", [0.1]), made_run("case-disjoint", [0.1], seed=1))

    assert "differ in more than the split" in at.error[0].value


def test_leakage_offers_to_train_both_and_lists_earlier_pairs(started):
    random = made_run("random", [0.1, 0.9] * 30, epochs=9, name="old, random")
    by_case = made_run("case-disjoint", [0.1, 0.9] * 30, epochs=9, name="old, by case")
    at = open_page("leakage")
    [link] = [link for link in at.get("page_link") if "old" in link.proto.label]
    assert f"random={random.id}&by_case={by_case.id}" in link.proto.query_string

    at.selectbox(key="gap_preset").set_value("notebook").run()
    at.button(key="start_both").click().run()

    new = [run for run in list_runs() if run.id in started]
    assert {(run.config.protocol, run.config.preset) for run in new} == {
        ("random", "notebook"),
        ("case-disjoint", "notebook"),
    }
    assert at.subheader[0].value == "The same training under both splits"
