"""Every page with a data set of another side, scale and classes chosen."""

import re

import numpy as np
import pandas as pd
import pytest

from idc.datasets.description import DataDescription
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import PatchBlock, StoreWriter
from idc.evaluation.results import saved_results
from idc.files import atomic
from idc.game.rounds import draw_round
from idc.game.rules import parse_game
from idc.game.scoreboard import clear_scores, list_scores
from idc.launch.start import create_run
from idc.networks.architecture import Architecture, costs_of
from idc.report.document import report_html
from idc.runs.run import (
    BEST_FILE,
    ENVIRONMENT_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    RunStatus,
    open_run,
)
from idc.settings.training_config import preset_config
from tests.support.app_pages import component_data, metrics, open_page, text
from tests.support.picture_trees import encoded

PETS = DataDescription(
    side_px=32,
    mpp_um=None,
    class_names=("cat", "dog"),
    has_cases=False,
    has_places=False,
)
BIOPSY = DataDescription(
    side_px=96,
    mpp_um=0.5,
    class_names=("benign", "malignant"),
    case_names=tuple(f"TCGA-A{number}" for number in range(6)),
)
ABOUT = {"pets": PETS, "biopsy": BIOPSY}


def write_store(name):
    """Six cases of 70 spaced patches, or 420 without cases; classes alternate."""
    about = ABOUT[name]
    names = [
        (number // 70, 0, 4 * about.side_px * (number % 70), number % 2)
        if about.has_cases
        else (0, 0, number, number % 2)
        for number in range(420)
    ]
    pixels = np.random.default_rng(0).integers(60, 220, (420, *about.patch_shape), np.uint8)
    pixels[1::2] //= 2  # positives are darker
    with StoreWriter(name, 420, description=about) as writer:
        sizes = np.full((420, 2), about.side_px, np.int16)
        writer.add_block(PatchBlock(np.array(names, np.int32), pixels, sizes))
        writer.finish(PackReport((name,)))
    return open_store(name)


def write_run(name, seed=0):
    """A finished run on the data set; of its test part, the last eight rows, two are wrong."""
    run = create_run(
        preset_config(
            "fast",
            name,
            protocol="case-disjoint" if ABOUT[name].has_cases else "random",
            epochs=1,
            seed=seed,
            patches=None,
        )
    )
    about = {**ABOUT[name].to_json(), "case_names": ()}
    environment = {"data_description": about, "fingerprint": open_store(name).fingerprint}
    atomic.replace_json(run.folder / ENVIRONMENT_FILE, environment)
    rows = np.arange(412, 420)
    wrong = rows % 4 == 0
    y_prob = np.where((rows % 2 == 1) != wrong, 0.9, 0.1)
    table = pd.DataFrame({"row": rows, "probability": np.float32(y_prob), "part": "test"})
    table.to_parquet(run.folder / PREDICTIONS_FILE)
    (run.folder / WEIGHTS_FILE).write_bytes(b"weights that no test loads")
    atomic.replace_json(run.folder / BEST_FILE, {"epoch": 1, "sha256": "0" * 64})
    run.write_status(RunStatus(state="finished", epochs=1, epoch=1))
    return open_run(run.id)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home with both data sets, two runs on each; name -> the ids of its runs."""
    folder = tmp_path_factory.mktemp("own-data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(folder))
        for name in ABOUT:
            write_store(name)
        runs = {name: [write_run(name, seed).id for seed in (0, 1)] for name in ABOUT}
    return folder, runs


@pytest.fixture
def runs(filled, monkeypatch):
    folder, runs = filled
    monkeypatch.setenv("IDC_HOME", str(folder))
    return runs


def shown(at):
    """All text on the page, and the data of its components."""
    assert not at.exception
    assert [error.value for error in at.error] == []
    notes = [element.value for element in [*at.info, *at.warning]]
    return "\n".join([text(at), *map(str, notes), str(component_data(at))])


def idc_words(shown):
    """Where a text speaks of IDC: neither the app's name nor three letters of encoded bytes."""
    return re.findall(r".{0,40}(?<![\w+/])IDC(?! Lab)(?![\w+/]).{0,40}", shown)


@pytest.mark.parametrize("name", ABOUT)
@pytest.mark.parametrize("page", ["dataset", "slides", "build", "leakage", "play"])
def test_page_of_a_data_set_does_not_speak_of_idc(runs, page, name):
    at = open_page(page, query={"data": name, "run": runs[name][0]})

    assert idc_words(shown(at)) == []


@pytest.mark.parametrize("name", ABOUT)
@pytest.mark.parametrize("page", ["train", "evaluate", "labels", "leakage"])
def test_page_of_a_run_does_not_speak_of_idc(runs, page, name):
    at = open_page(page, query={"run": runs[name][0]})

    assert idc_words(shown(at)) == []


def test_slides_are_missing_without_places(runs):
    assert "This data set has no places" in shown(open_page("slides", query={"data": "pets"}))


def test_build_costs_the_network_for_the_side_of_the_data_set(runs):
    at = open_page("build", query={"data": "biopsy"})

    expected = costs_of(Architecture(), 96).multiply_adds
    assert metrics(at)["Multiply-adds"] == f"{expected / 1e6:,.1f} million"
    [stack] = component_data(at)
    assert (stack["side"], stack["layers"][0]["shape"]) == (96, [96, 96, 3])


def test_evaluate_names_cases_and_classes(runs):
    at = open_page("evaluate", query={"run": runs["biopsy"][0]})

    [cases] = [data for data in component_data(at) if "names" in data]
    assert (cases["names"], cases["target"]) == ([[5, "TCGA-A5"]], "malignant")
    assert "**Missed malignant**, most certain first" in text(at)


def test_evaluate_has_no_cases_and_intervals_without_cases(runs):
    at = open_page("evaluate", query={"run": runs["pets"][0]})

    assert "The data set has no cases, so there are no scores case by case." in text(at)
    assert "The data set has no cases, so there are no intervals." in shown(at)
    assert "bootstrap" not in text(at)


@pytest.mark.parametrize("name", ABOUT)
def test_compare_names_the_classes_of_the_data_set(runs, name):
    at = open_page("compare", query={"runs": runs[name]})

    assert not at.exception
    positive = ABOUT[name].class_names[1]
    assert at.slider(key="threshold").label == f"{positive} from"
    assert idc_words(shown(at)) == []


def test_leakage_offers_no_split_by_case_without_cases(runs):
    at = open_page("leakage", query={"run": runs["pets"][0]})

    assert "This data set has no cases, so it cannot be split by case." in text(at)


@pytest.mark.parametrize("name", ABOUT)
def test_report_names_classes_and_omits_the_rules_of_the_idc_set(runs, name):
    run = open_run(runs[name][0])

    html = report_html(run, saved_results(run), 0.5)

    assert f"Missed {ABOUT[name].class_names[1]}" in html
    assert idc_words(html) == []
    assert "80 %" not in html
    assert ("TCGA-A5" in html) == ABOUT[name].has_cases


@pytest.fixture
def answering(monkeypatch):
    """A model to which dark patches are positive, without explanations and warnings."""

    def answer(run, patches, on_progress=None):
        return (1 - patches.mean(axis=(1, 2, 3)) / 255).astype(np.float32)

    for module in ("idc.game.rounds", "idc.large_images.region", "idc.ui.predict.patch"):
        monkeypatch.setattr(f"{module}.predict_patches", answer)
    for module in ("idc.ui.play.current_round", "idc.ui.predict.patch", "idc.ui.predict.heat_map"):
        monkeypatch.setattr(f"{module}.explanation", lambda *_: None)
        monkeypatch.setattr(f"{module}.show_warnings", lambda *_: None)


@pytest.mark.parametrize("name", ABOUT)
def test_game_is_played_to_the_end_and_its_score_kept_for_the_data_set(runs, answering, name):
    at = open_page("play", query={"run": runs[name][0]})
    at.button(key="play_start").click().run()
    [board] = [data for data in component_data(at) if "players" in data]
    assert board["class_names"] == list(ABOUT[name].class_names)
    code = "".join(at.query_params["game"])

    store, own = open_store(name), at.session_state["play_own"]
    game = parse_game(code)
    drawn = draw_round(open_run(runs[name][0]), store, game.level, game.seed)
    guesses = "".join("np"[label] for label in drawn.labels)
    assert own
    won = open_page(
        "play",
        query={"run": runs[name][0], "data": name, "game": f"{code}{guesses}"},
        play_own={game.name: (guesses,)},
    )
    won.text_input(key="play_name_0").set_value("Ada")
    won.button(key="play_enter_button_0").click().run()

    assert idc_words(shown(won)) == []
    assert [(score.name, score.right, score.data) for score in list_scores(name)] == [
        ("Ada", 10, name)
    ]
    clear_scores(name)


def upload_region(at, width, height):
    rgb = np.full((height, width, 3), (225, 150, 190), np.uint8)
    return at.file_uploader(key="upload").upload("a.png", encoded(rgb), "image/png").run()


def test_region_is_predicted_at_the_scale_of_the_run(runs, answering):
    at = upload_region(open_page("predict", query={"run": runs["biopsy"][0]}), 800, 600)
    scale = next(one for one in at.get("button_group") if one.proto.label.startswith("Objective"))
    scale.set_value("20x · 0.5").run()
    assert "**63 patches** of 48 × 48 µm" in text(at)
    at.button(key="predict_region").click().run()

    assert "predicted as malignant" in shown(at)
    assert idc_words(shown(at)) == []


def test_region_of_unknown_scale_is_cut_after_the_visitor_states_so(runs, answering):
    at = upload_region(open_page("predict", query={"run": runs["pets"][0]}), 320, 160)
    assert "This model was trained on patches of unknown scale" in at.info[0].value
    next(one for one in at.toggle if one.label.startswith("Cut into patches of 32 × 32")).set_value(
        True
    ).run()
    at.button(key="predict_region").click().run()

    assert "of 50 cells that are not background predicted as dog" in shown(at)
