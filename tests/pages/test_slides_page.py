import base64
import json

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from idc.datasets.store import PackReport
from idc.datasets.store_writer import Patch, StoreWriter
from idc.launch.start import create_run
from idc.patches import PatchName
from idc.runs.run import (
    BUNDLED_RUN_ID,
    CALIBRATION_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    RunStatus,
    open_run,
)
from idc.settings.training_config import preset_config
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store


def slides_page(**query):
    """The page at an address."""
    at = AppTest.from_file("../../idc/ui/main.py", default_timeout=60)
    at.run()
    at.switch_page("../../pages/slides.py")
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def made_run(store, name, answers):
    """A finished run that saved these answers: row -> probability."""
    run = create_run(preset_config("notebook", store.name, protocol="random", name=name))
    (run.folder / ENVIRONMENT_FILE).write_text(json.dumps({"data_sha256": store.fingerprint}))
    pd.DataFrame(
        {
            "row": list(answers),
            "probability": np.array(list(answers.values()), np.float32),
            "part": "test",
        }
    ).to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return run


@pytest.fixture
def store(home):
    """Cases 1 to 3 of twelve patches in a row."""
    return tiny_store("tiny", cases=3, per_case=12)


def answers(at):
    return {
        layer["name"]: np.frombuffer(base64.b64decode(layer["data"]), "<f4").round(2).tolist()
        for layer in sent(at)["values"]
    }


def test_page_without_data_links_to_home(home):
    assert open_page("slides").info[0].value == "There is no data set yet."


def test_contact_sheet_is_shown_until_a_slide_is_chosen(store):
    at = slides_page()

    assert [card["case"] for card in sent(at)["cards"]] == [1, 2, 3]
    assert sent(at)["cards"][0]["details"] == "12 patches, 50% IDC"


def test_clicked_slide_opens(store):
    at = slides_page()
    at.session_state["contacts"] = {"open": 2}
    at.run()

    assert sent(at)["title"] == "Case 2"
    assert at.selectbox(key="case").value == 2


def test_contact_sheet_has_pages(home):
    tiny_store("many", cases=30, per_case=2)
    at = slides_page()
    assert len(sent(at)["cards"]) == 24

    at.session_state["sheet"] = 2

    assert [card["case"] for card in sent(at.run())["cards"]] == [25, 26, 27, 28, 29, 30]


def test_address_opens_the_case_and_the_patch(store):
    at = slides_page(case="2", patch="2_151_1")

    assert sent(at)["title"] == "Case 2"
    assert sent(at)["mark"]["id"] == 15
    assert "**Case 2**, x 151, y 1" in text(at)


def test_facts_state_share_size_and_the_meaning_of_gaps(store):
    assert (
        "**Case 2**: 50.0% IDC-positive, 2.4 × 0.2 mm. "
        "12 patches; no patch was cut where there is only background."
    ) in text(slides_page(case="2"))


def test_generated_tissue_carries_a_notice(home):
    with StoreWriter("made", 1) as writer:
        writer.add([Patch(PatchName(7, y=1, x=1, label=0), np.zeros((50, 50, 3), np.uint8))])
        writer.finish(PackReport(sources=("a seed",), generated=True))
    notice = "Generated tissue, not from patients."

    assert notice in text(slides_page())
    assert notice in text(slides_page(case="7"))


def test_picked_patch_is_shown_enlarged_and_written_to_the_url(store):
    at = slides_page(case="2")
    data = sent(at)
    made = {"showing": data["showing"], "mark": data["mark"]["number"], "id": 14}
    at.session_state["slide"] = {"pick": made}
    at.run()

    assert "**Case 2**, x 101, y 1" in text(at)
    assert at.query_params["patch"] == "2_101_1"
    assert sent(at)["image"] == data["image"]


def test_next_and_previous_change_the_slide_and_close_the_patch(store):
    at = slides_page(case="2", patch="2_151_1")
    at.button(key="Next").click().run()

    assert sent(at)["title"] == "Case 3"
    assert "patch" not in at.query_params
    assert at.button(key="Next").disabled
    at.button(key="Previous").click().run()
    at.button(key="Previous").click().run()
    assert sent(at)["title"] == "Case 1"
    assert at.button(key="Previous").disabled


def test_all_slides_button_returns_to_the_contact_sheet(store):
    at = slides_page(case="2")
    at.button(key="all_slides").click().run()

    assert len(sent(at)["cards"]) == 3


def test_newest_run_of_the_data_set_is_the_default(store):
    run = made_run(store, "first", {12: 0.9, 13: 0.1, 30: 0.5})
    at = slides_page(case="2")

    assert at.query_params["run"] == run.id
    found = answers(at)["first"]
    assert found[:2] == pytest.approx([0.9, 0.1])
    assert np.isnan(found[2:]).all()
    assert "**first**: saved answers for 2 of 12 patches" in text(at)


def test_opened_patch_shows_the_probability_of_the_run(store):
    made_run(store, "first", {12: 0.875})

    assert "Probability of IDC by first: **0.875**" in text(slides_page(case="2", patch="2_1_1"))
    assert "Probability of IDC by first: no saved answer" in text(
        slides_page(case="2", patch="2_51_1")
    )


def test_bundled_model_is_offered_before_the_first_run(store):
    at = slides_page(case="2")

    assert at.query_params["run"] == BUNDLED_RUN_ID
    assert "saved answers for 0 of 12 patches; it did not train on this case." in text(at)
    assert sent(at)["threshold"] == open_run(BUNDLED_RUN_ID).calibration().threshold


def test_two_runs_are_compared(store):
    every = dict.fromkeys(range(12, 24), 0.5)
    first, second = made_run(store, "one", every), made_run(store, "two", every)
    at = slides_page(case="2", run=first.id, run2=second.id)

    assert list(answers(at)) == ["one", "two"]
    assert "**two**: saved answers for all 12 patches; none was in its training part." in text(at)


def test_compared_run_can_become_the_only_run_without_a_warning(store):
    every = dict.fromkeys(range(12, 24), 0.5)
    first, second = made_run(store, "one", every), made_run(store, "two", every)
    at = slides_page(case="2", run=first.id, run2=second.id)

    at.selectbox(key="run").set_value(second.id).run()

    assert list(answers(at)) == ["two"]
    assert not at.warning


def test_each_of_two_runs_uses_its_own_threshold(store):
    every = dict.fromkeys(range(12, 24), 0.5)
    first, second = made_run(store, "one", every), made_run(store, "two", every)
    (second.folder / CALIBRATION_FILE).write_text('{"threshold": 0.3}')

    layers = sent(slides_page(case="2", run=first.id, run2=second.id))["values"]

    assert [(layer["name"], layer["threshold"]) for layer in layers] == [("one", 0.5), ("two", 0.3)]


def test_run_without_predictions_for_the_case_adds_no_layer(store):
    made_run(store, "elsewhere", {0: 0.5})

    assert answers(slides_page(case="2")) == {}


def test_choice_of_no_run_is_kept(store):
    made_run(store, "first", {12: 0.9})

    assert answers(slides_page(case="2", run="none")) == {}


def test_both_exports_are_offered(store):
    labels = [button.proto.label for button in slides_page(case="2").get("download_button")]

    assert labels == ["Slide as PNG", "Patches as GeoJSON"]


@pytest.mark.slow  # the worker loads TensorFlow
def test_model_predicts_the_whole_case_on_request(trained_run):
    at = slides_page(case="2", run=trained_run.id)
    before = answers(at)["once"]
    at.button(key=f"ask_{trained_run.id}").click().run()

    after = answers(at)["once"]
    assert np.isnan(before).any()
    assert not np.isnan(after).any()
    assert (
        at.warning[0].value
        == "The run trained on this case, so it performs better here than on unseen cases."
    )


def test_patch_in_the_url_opens_among_its_neighbours(store):
    made_run(store, "first", {14: 0.75})

    at = slides_page(case="2", patch="2_101_1")

    assert "**Case 2**, x 101, y 1" in text(at)
    assert "Probability of IDC by first: **0.750**" in text(at)
    detail = json.loads(at.get("bidi_component")[1].proto.json)
    assert detail["place"] == "2_101_1"
    assert [cell["place"] for cell in detail["cells"] if cell] == [
        f"2_{x}_1" for x in (1, 51, 101, 151, 201)
    ]
