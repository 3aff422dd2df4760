import base64
import json
import shutil

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.prediction.predictor import predict_patches
from tests.support.app_pages import open_page, text

pytestmark = pytest.mark.slow


def sent(at, number=-1):
    """The data sent to a component of the page, by default the last one."""
    return json.loads(at.get("bidi_component")[number].proto.json)


def chapter(name):
    return open_page("how_it_works", query={"chapter": name})


def test_page_starts_with_the_lamps_and_leads_through_all_chapters(home):
    at = open_page("how_it_works")
    assert "A missed 1 is a **false negative**" in text(at)

    for title in (
        "The same filter slides over a patch",
        "Layer upon layer",
        "Training finds the filters",
    ):
        at.button(key="next_chapter").click().run()
        assert at.subheader[0].value == title
    assert not at.exception


def test_generated_tissue_is_used_without_a_data_set(home):
    at = chapter("A filter on a patch")

    assert "There is no data set yet, so this is generated tissue, not from patients." in text(at)
    walk = sent(at)
    assert len(base64.b64decode(walk["patch"])) == 7500
    assert [preset["title"] for preset in walk["presets"]] == [
        "Edges",
        "Vertical edges",
        "Blur",
        "Sharpen",
    ]
    assert (walk["learned"]["size"], walk["learned"]["side"]) == (4, 25)
    assert len(walk["learned"]["filters"]) == 32


def test_every_layer_of_the_chosen_run_on_the_chosen_patch(trained_run):
    at = open_page("how_it_works", query={"chapter": "Every layer", "patch": "2_151_1"})
    shown = sent(at)
    store = open_store("tiny")
    row = int(store.index.query("case == 2 and x == 151").index[0])

    assert base64.b64decode(shown["patch"]) == store.patches[row].tobytes()
    kinds = [layer["kind"] for layer in shown["layers"]]
    assert (len(kinds), kinds[0], kinds[-1]) == (11, "Rescaling", "Dense")
    negative, positive = np.exp(shown["layers"][-1]["sums"])
    answer = predict_patches(trained_run, store.patches[row][None])[0]
    assert positive / (negative + positive) == pytest.approx(float(answer), abs=1e-4)
    assert shown["note"] == ""  # the run is not calibrated


def test_calibration_of_the_bundled_model_is_explained(home):
    note = sent(chapter("Every layer"))["note"]

    assert note.startswith("Predict calibrates this model's answers on cases")


def test_first_filters_of_each_epoch_are_shown(trained_run):
    timeline = sent(chapter("What training does"))

    assert timeline["epochs"] == [0, 1]
    assert timeline["shape"] == [3, 3, 3, 4]
    levels = np.frombuffer(base64.b64decode(timeline["kernels"]), np.uint8).astype(float)
    before, after = (levels.reshape(2, -1) - 128) / 127 * timeline["largest"]
    assert 0 < np.abs(after - before).max() < 0.1  # one epoch changes them slightly


def test_run_without_saved_filters_shows_a_note(trained_run):
    shutil.rmtree(trained_run.folder / "first_filters")

    at = chapter("What training does")

    assert "did not save its first filters" in at.info[0].value
    assert not at.exception
