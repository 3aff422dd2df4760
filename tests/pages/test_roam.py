"""The Dataset page's tab with all patches."""

import json
import threading

import numpy as np
import pandas as pd
import pytest

from idc.datasets import measurements
from idc.datasets.measurements import has_measurements, measure_store
from idc.launch.start import create_run
from idc.processes.job_registry import JobRegistry
from idc.runs.run import ENVIRONMENT_FILE, PREDICTIONS_FILE
from idc.settings.training_config import preset_config
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store


@pytest.fixture
def tiny(home):
    """Three cases of 20 patches; even rows negative, odd ones positive and darker; measured."""
    store = tiny_store("tiny", cases=3, per_case=20)
    measure_store(store)
    return store


@pytest.fixture
def run(tiny):
    """A run with predictions for the patches of case 3: row n with probability n / 100."""
    run = create_run(preset_config("notebook", "tiny", protocol="random"))
    rows = np.arange(40, 60)
    table = pd.DataFrame(
        {"row": rows, "probability": (rows / 100).astype(np.float32), "part": "test"}
    )
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    return run


def wait_for_measuring():
    for thread in threading.enumerate():
        if thread.name == "measure-tiny":
            thread.join()


def open_all_patches(**query):
    return open_page("dataset", query={"view": "roam", **query})


def rows(at):
    return [tile["row"] for tile in sent(at)["tiles"]]


def sent(at, number=0):
    return json.loads(at.get("bidi_component")[number].proto.json)


def url(at):
    """The query parameters except tab and data set: name -> values."""
    return {
        name: value if isinstance(value, list) else [value]
        for name, value in at.query_params.items()
        if name not in ("view", "data")
    }


def open_patch(at, row):
    at.session_state["roam_grid"] = {"open": {"showing": sent(at)["showing"], "row": row}}
    at.run()
    at.session_state["roam_grid"] = {"open": None}  # the browser sends a pick once
    return at


def test_all_patches_are_paged_in_the_order_of_the_cases(tiny):
    at = open_all_patches()

    assert rows(at) == list(range(48))
    assert "**60** patches" in text(at)
    at.button(key="roam_turn_1").click().run()
    assert rows(at) == list(range(48, 60))
    assert url(at) == {"page": ["2"]}
    assert at.button(key="roam_turn_1").disabled


def test_page_and_page_size_can_be_changed(tiny):
    at = open_all_patches(size="24")

    at.number_input(key="roam_page").set_value(3).run()
    assert rows(at) == list(range(48, 60))
    at.selectbox(key="roam_size").set_value(48).run()
    assert rows(at) == list(range(48, 60))  # the first visible patch stays visible
    assert url(at) == {"page": ["2"]}


def test_filters_reduce_the_patches_and_are_in_the_url(tiny):
    at = open_all_patches(page="2")

    at.multiselect(key="roam_cases").set_value([1, 3]).run()
    assert rows(at) == [*range(20), *range(40, 60)]
    at.selectbox(key="roam_class").set_value("positive").run()
    assert rows(at) == [*range(1, 20, 2), *range(41, 60, 2)]
    assert "**20** patches" in text(at)
    assert url(at) == {"case": ["1", "3"], "class": ["positive"]}


def test_outdated_url_does_not_undo_a_filter(tiny):
    at = open_all_patches()
    at.selectbox(key="roam_class").set_value("positive").run()
    del at.query_params["class"]  # the browser has not received it yet
    at.multiselect(key="roam_cases").set_value([2]).run()

    assert rows(at) == list(range(21, 40, 2))
    assert url(at) == {"case": ["2"], "class": ["positive"]}


def test_sort_by_stain_shows_the_darkest_patch_first(tiny):
    at = open_all_patches()

    at.selectbox(key="roam_sort").set_value("stain").run()

    assert url(at) == {"sort": ["stain"]}
    tiles = sent(at)["tiles"]
    assert [tile["label"] for tile in tiles[:30]] == [1] * 30  # positives are darker
    figures = [float(tile["caption"]) for tile in tiles]
    assert figures == sorted(figures, reverse=True)
    assert "mean stain" in tiles[0]["details"]


def test_patches_sort_by_probability_error_and_doubt(run):
    assert rows(open_all_patches(sort="probability"))[:3] == [59, 58, 57]
    assert rows(open_all_patches(sort="error"))[:3] == [41, 58, 43]  # errors 0.59, 0.58, 0.57
    at = open_all_patches(sort="doubt")
    assert rows(at)[:3] == [50, 49, 51]
    assert sent(at)["tiles"][0]["caption"] == "p 0.50"
    assert sent(at)["tiles"][-1]["caption"] == "no answer"


def test_part_of_the_runs_split_is_a_filter(run):
    shown = {part: rows(open_all_patches(part=part)) for part in ("train", "validation", "test")}

    assert sorted(row for part in shown.values() for row in part) == list(range(60))
    assert {part: len(rows) for part, rows in shown.items()} == {
        "train": 42,
        "validation": 9,
        "test": 9,
    }


def test_sort_that_needs_predictions_explains_their_absence(tiny):
    at = open_all_patches(sort="error")

    assert "Cannot sort by 'Error'. No run has predictions" in at.info[0].value
    assert rows(at) == list(range(48))


def test_unmeasured_store_is_measured_in_the_background(home, monkeypatch):
    released = threading.Event()

    def held(store, *, on_progress):
        released.wait()
        return measure_store(store, on_progress=on_progress)

    monkeypatch.setattr(measurements, "_jobs", JobRegistry())
    monkeypatch.setattr(measurements, "measure_store", held)
    store = tiny_store("tiny")

    at = open_all_patches(sort="stain")

    assert "Cannot sort by 'Mean stain'. Stain and tissue are not measured yet" in at.info[0].value
    assert at.slider(key="roam_tissue").disabled
    at.button(key="stop_measuring").click().run()
    released.set()
    wait_for_measuring()
    at.run()
    at.button(key="measure").click().run()
    wait_for_measuring()
    at.run()
    assert has_measurements(store)
    assert not at.info
    assert not at.slider(key="roam_tissue").disabled


def test_opened_patch_shows_its_facts_and_is_in_the_url(run):
    at = open_patch(open_all_patches(), 43)

    assert url(at) == {"patch": ["3_151_1"], "run": [run.id]}
    assert at.query_params["data"] == "tiny"
    assert "**Case 3**, x 151, y 1" in text(at)
    assert "no saved answer" not in text(at)
    assert "**0.430**" in text(at)
    assert sent(at)["opened"] == 43


def test_closed_patch_is_removed_from_the_url(tiny):
    at = open_patch(open_all_patches(page="2"), 50)

    at.button(key="roam_close").click().run()

    assert url(at) == {"page": ["2"]}
    assert len(at.get("bidi_component")) == 1
    assert sent(at)["opened"] is None


def test_copied_url_restores_the_view(run):
    at = open_all_patches(case=["2", "3"], sort="probability", order="up", size="24")
    at.selectbox(key="roam_class").set_value("negative").run()
    at = open_patch(at, rows(at)[3])

    again = open_page("dataset", query=dict(at.query_params))

    assert sent(again)["tiles"] == sent(at)["tiles"]
    assert sent(again)["opened"] == sent(at)["opened"] == rows(at)[3]
    assert sent(again, 1) == sent(at, 1)
    assert again.selectbox(key="roam_sort").value == "probability"
    assert again.multiselect(key="roam_cases").value == [2, 3]


@pytest.mark.parametrize(
    "query",
    [
        {"case": "77", "class": "x", "sort": "y", "page": "-1", "size": "7", "tissue": "z"},
        {"data": "gone", "run": "gone", "patch": "nowhere", "order": "", "edge": "?"},
    ],
)
def test_invalid_parameters_in_the_url_show_all_patches(tiny, query):
    at = open_all_patches(**query)

    assert not at.exception
    assert not at.error
    assert rows(at) == list(range(48))


def test_unknown_patch_in_the_url_shows_a_sentence(tiny):
    at = open_all_patches(patch="1_9951_1")

    assert at.info[0].value == "This data set has no patch at x 9951, y 1 of case 1."


def test_filters_without_a_match_can_be_cleared(tiny):
    at = open_all_patches(edge="only")

    assert at.info[0].value == "No patch matches all filters."
    assert "**0** patches" in text(at)
    at.button(key="roam_clear_here").click().run()
    assert rows(at) == list(range(48))
    assert url(at) == {}


def test_run_on_an_earlier_packing_is_not_offered(run):
    (run.folder / ENVIRONMENT_FILE).write_text(json.dumps({"data_sha256": "of another packing"}))

    at = open_all_patches(sort="error", run=run.id)

    assert "Cannot sort by 'Error'. No run has predictions" in at.info[0].value
    assert not at.error


def test_opened_patch_links_to_its_slide(run):
    at = open_patch(open_all_patches(), 43)

    links = {link.proto.label: link.proto.query_string for link in at.get("page_link")}
    assert links["Show on the slide"] == f"data=tiny&case=3&patch=3_151_1&run={run.id}"
