"""Browsing data sets of other classes, sides and scales than the Kaggle set's."""

import json

import numpy as np
import pandas as pd
import pytest

from idc.datasets.description import DataDescription
from idc.datasets.label_marks import Mark, marks_csv, save_mark
from idc.datasets.stitched_exports import slide_geojson
from idc.datasets.stitched_slide import lay_out_case
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.errors import GameError
from idc.game.rounds import Round, unseen_rows
from idc.game.rules import Game
from idc.launch.start import create_run
from idc.runs.run import BUNDLED_RUN_ID, PREDICTIONS_FILE, RunStatus, open_run
from idc.settings.training_config import preset_config
from idc.ui.play.board import board_data
from tests.support.app_pages import component_data, metrics, open_page, text

CATS = DataDescription(
    32, None, ("cat", "*dog*<b>"), has_cases=False, has_places=False, has_parts=False
)
TUMOURS = DataDescription(96, 0.5, ("benign", "malignant"), ("TCGA-A1-A0SB", "TCGA-B2"))


def write_store(name, description, places):
    """Patches of these (case, y, x), their labels alternating."""
    names = np.array([[*place, n % 2] for n, place in enumerate(places)], np.int32)
    side = description.side_px
    pixels = np.stack([np.full((side, side, 3), 20 + 9 * n, np.uint8) for n in range(len(places))])
    with StoreWriter(name, len(places), description=description) as writer:
        writer.add_block(PatchBlock(names, pixels, np.full((len(places), 2), side, np.int16)))
        writer.finish(PackReport((name,)))
    return open_store(name)


@pytest.fixture
def cats(home):
    return write_store("cats", CATS, [(0, 0, n) for n in range(8)])


@pytest.fixture
def tumours(home):
    return write_store(
        "tumours",
        TUMOURS,
        [(case, 96 * y, 96 * x) for case in (0, 1) for y in (0, 1) for x in (0, 1)],
    )


def test_overview_without_cases_counts_classes_only(cats):
    at = open_page("dataset", query={"data": "cats"})

    assert not at.exception
    assert metrics(at)["\\*dog\\*\\<b\\>"] == "50.0%"
    assert "Cases" not in metrics(at)
    assert "This data set has no cases" in text(at)
    assert "of 277,524 patches" not in text(at)
    assert "IDC-positive" not in text(at)


def test_all_patches_without_cases_or_places_open_one_patch(cats):
    at = open_page("dataset", query={"data": "cats", "view": "roam", "patch": "0_3_0"})

    assert not at.exception
    assert "Cases" not in [field.label for field in at.multiselect]
    assert "**Patch 3**" in text(at)
    assert "32 × 32 px, unknown scale" in text(at)
    assert "no neighbours and no slide" in text(at)
    grid, detail = component_data(at)
    assert grid["tiles"][1]["details"] == "patch 1, labelled *dog*<b>"
    assert (grid["patch_px"], detail["patch_px"]) == (32, 32)
    assert [cell["place"] for cell in detail["cells"]] == ["0_3_0"]


def test_slides_page_without_places_says_so(cats):
    at = open_page("slides", query={"data": "cats"})

    assert not at.exception
    assert [info.value for info in at.info] == [
        "This data set has no places, so its patches cannot be put together to slides."
    ]


def test_home_names_the_positive_class(cats, tumours):
    shown = text(open_page("home"))

    assert "**cats**: 8 patches, 50.0% \\*dog\\*\\<b\\>" in shown
    assert "**tumours**: 8 patches of 2 cases, 50.0% malignant" in shown
    assert "Patches of 96 × 96 px, 0.5 µm per pixel" in shown


def test_dataset_with_named_cases_shows_their_names(tumours):
    at = open_page("dataset", query={"data": "tumours", "view": "roam", "patch": "1_96_0"})

    assert not at.exception
    assert at.multiselect[0].options == ["TCGA-A1-A0SB", "TCGA-B2"]
    assert "48 × 48 µm of tissue" in text(at)
    grid, detail = component_data(at)
    assert grid["tiles"][5]["details"] == "case TCGA-B2, x 96, y 0, labelled malignant"
    assert sum(cell is not None for cell in detail["cells"]) == 4


def test_slide_of_a_named_case_opens_by_its_name(tumours):
    at = open_page("slides", query={"data": "tumours", "case": "TCGA-B2"})

    assert not at.exception
    assert "**Case TCGA-B2**: 50.0% malignant, 0.1 × 0.1 mm. 4 patches." in text(at)
    viewer = component_data(at)[0]
    assert viewer["title"] == "Case TCGA-B2"
    assert viewer["class_names"] == ["benign", "malignant"]
    assert viewer["mpp_um"] == 0.5


def test_geojson_has_the_names_and_scale_of_the_data_set(tumours):
    collection = json.loads(
        slide_geojson(lay_out_case(tumours, 1), {"run": np.full(4, 0.25)}, TUMOURS)
    )

    tile = collection["features"][-1]["properties"]
    assert collection["properties"]["case"] == "TCGA-B2"
    assert collection["properties"]["um_per_px"] == 0.5
    assert tile["name"] == "TCGA-B2_x96_y96"
    assert tile["classification"]["name"] == "malignant"
    assert tile["measurements"] == {"Probability of malignant: run": 0.25}


def test_marks_name_case_and_class(tumours):
    save_mark(Mark("tumours", 1, 96, 0, 1, "wrong", "Ann"))

    header, line = marks_csv("tumours", TUMOURS).splitlines()

    assert header.startswith("data,case,x,y,label,class,verdict")
    assert line.startswith("tumours,TCGA-B2,96,0,1,malignant,wrong,Ann")


def test_game_asks_for_the_positive_class_of_the_data_set(cats, tumours):
    game = Game("easy", 0, "0000", ("",))
    turns = Round(np.arange(8), np.arange(8) % 2, np.full(8, 0.9, np.float32), 0.5, "0000")

    unplaced = board_data(game, cats, turns, turn=0, reveal=False)
    placed = board_data(Game("easy", 0, "0000", ("p",)), tumours, turns, turn=0, reveal=True)

    assert unplaced["question"] == "Is it *dog*<b>?"
    assert unplaced["alt"] == "Patch of 32 × 32 px, unknown scale, enlarged"
    assert placed["reveal"]["truth"] == "Labelled benign"
    assert placed["reveal"]["answer"] == (
        "The CNN predicts malignant: wrong. Probability of malignant 90.0%, its threshold is 50.0%."
    )
    assert placed["players"][0]["outcome"] == "✗ malignant: wrong"


def test_labels_page_names_classes_and_offers_no_folds_without_cases(cats):
    run = create_run(preset_config("fast", "cats", protocol="random", batch_size=2, epochs=1))
    y_prob = [0.1, 0.9, 0.2, 0.8, 0.99, 0.01, 0.1, 0.9]  # rows 4 and 5 contradict their labels
    table = pd.DataFrame(
        {
            "row": np.arange(8),
            "probability": np.array(y_prob, np.float32),
            "part": ["validation"] * 8,
        }
    )
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))

    at = open_page("labels", query={"run": run.id})

    assert not at.exception
    assert "Contradicted among cat" in metrics(at)
    assert "because its data set has no cases" in at.warning[0].value
    assert "there are no folds of cases" in text(at)
    detail, grid = component_data(at)  # the opened patch comes first, above the grid on a phone
    assert len(detail["cells"]) == 1
    assert {tile["details"] for tile in grid["tiles"]} == {
        "patch 4, labelled cat, probability 0.990",
        "patch 5, labelled *dog*<b>, probability 0.010",
    }
    assert "IDC-" not in text(at)


def test_bundled_model_does_not_play_on_other_classes(tumours):
    with pytest.raises(GameError, match="patches of other classes or another size"):
        unseen_rows(open_run(BUNDLED_RUN_ID), tumours)
