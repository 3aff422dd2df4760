import base64
import json

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from idc.ui.components.patch_grid import PatchTile, draw_sprite, patch_grid


def page():
    import numpy as np
    import streamlit as st

    from idc.ui.components.patch_grid import PatchTile, patch_grid

    rows = st.session_state.setdefault("rows", [40, 41, 42])
    patches = np.random.default_rng(0).integers(0, 256, (100, 50, 50, 3)).astype(np.uint8)[rows]
    tiles = [PatchTile(row, row % 2, f"p 0.{row}", f"case 8863, row {row}") for row in rows]
    if st.session_state.get("shown", True):
        width = {"tile_px": st.session_state.get("tile_px", 100)}
        picked = patch_grid(patches, tiles, key="grid", label="Missed patches", **width)
        st.session_state["picked"] = picked


def run_page(**state):
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in state.items():
        at.session_state[name] = value
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def pick(at, row, display_id=None):
    at.session_state["grid"] = {"pick": {"showing": display_id or sent(at)["showing"], "row": row}}
    return at.run()


def patches_of(rows):
    return np.random.default_rng(0).integers(0, 256, (100, 50, 50, 3)).astype(np.uint8)[rows]


def tiles_of(rows):
    return [PatchTile(row, None, "", "") for row in rows]


def test_browser_receives_every_tile_in_order():
    data = sent(run_page())

    assert data["tiles"] == [
        {"row": 40, "label": 0, "caption": "p 0.40", "details": "case 8863, row 40"},
        {"row": 41, "label": 1, "caption": "p 0.41", "details": "case 8863, row 41"},
        {"row": 42, "label": 0, "caption": "p 0.42", "details": "case 8863, row 42"},
    ]
    assert data["label"] == "Missed patches"
    assert (data["tile_px"], data["columns"]) == (100, None)


def test_sprite_is_lossless():
    data = sent(run_page())

    head, body = data["sprite"].split(",")
    png = np.frombuffer(base64.b64decode(body), np.uint8)
    sprite = cv2.cvtColor(cv2.imdecode(png, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGB)
    assert head == "data:image/png;base64"
    assert sprite.shape == (100, 100, 3)
    for i, expected in enumerate(patches_of([40, 41, 42])):
        y, x = 50 * (i // data["sprite_columns"]), 50 * (i % data["sprite_columns"])
        assert np.array_equal(sprite[y : y + 50, x : x + 50], expected)


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 50, 50), (2, 50, 100), (10, 150, 200), (200, 700, 750)]
)
def test_sprite_is_nearly_square(count, height, width):
    assert draw_sprite(np.zeros((count, 50, 50, 3), np.uint8)).shape == (height, width, 3)


def test_nothing_is_picked_at_first():
    assert run_page().session_state["picked"] is None


def test_pick_returns_its_row_and_survives_reruns():
    at = pick(run_page(), 41)
    assert at.session_state["picked"] == 41

    assert at.run().session_state["picked"] == 41


def test_pick_sends_nothing_new_to_the_browser():
    at = run_page()
    before = sent(at)

    assert sent(pick(at, 41)) == before


def test_pick_survives_a_change_of_tile_size():
    at = pick(run_page(), 41)

    at.session_state["tile_px"] = 200

    assert at.run().session_state["picked"] == 41
    assert sent(at)["tile_px"] == 200


def test_pick_is_dropped_for_good_when_the_tiles_change():
    at = pick(run_page(), 41)

    at.session_state["rows"] = [41, 42, 43]
    assert at.run().session_state["picked"] is None

    at.session_state["rows"] = [40, 41, 42]
    assert at.run().session_state["picked"] is None


def test_pick_is_dropped_when_the_grid_was_not_drawn():
    at = pick(run_page(), 41)
    first_showing = sent(at)["showing"]

    at.session_state["shown"] = False
    at.run()
    at.session_state["shown"] = True
    at.run()

    assert at.session_state["picked"] is None
    assert sent(at)["showing"] != first_showing


@pytest.mark.parametrize("row", [43, "41", None, [41], 41.5, {}])
def test_pick_of_a_row_that_is_not_shown_is_ignored(row):
    assert pick(run_page(), row).session_state["picked"] is None


def test_pick_from_an_earlier_display_is_ignored():
    assert pick(run_page(), 41, display_id="0123456789abcdef-1").session_state["picked"] is None


@pytest.mark.parametrize("value", [41, "41", [41], {"row": 41}])
def test_malformed_pick_is_ignored(value):
    at = run_page()

    at.session_state["grid"] = {"pick": value}

    assert at.run().session_state["picked"] is None


def test_one_changed_pixel_is_another_display():
    def two_grids():
        import numpy as np

        from idc.ui.components.patch_grid import PatchTile, patch_grid

        tiles = [PatchTile(row, None, "", "") for row in range(200)]
        patches = np.zeros((200, 50, 50, 3), np.uint8)
        patch_grid(patches, tiles, key="black", label="")
        patches[199, 49, 49, 2] = 1  # one channel of one pixel in 1.5 million
        patch_grid(patches, tiles, key="nearly", label="")

    at = AppTest.from_function(two_grids, default_timeout=30).run()

    black, nearly = (json.loads(grid.proto.json) for grid in at.get("bidi_component"))
    assert black["sprite"] != nearly["sprite"]
    assert black["showing"] != nearly["showing"]


def test_empty_grid_sends_no_sprite():
    at = run_page(rows=[])

    assert (sent(at)["tiles"], sent(at)["sprite"]) == ([], "")
    assert at.session_state["picked"] is None


@pytest.mark.parametrize(
    ("patches", "tiles", "sentence"),
    [
        (patches_of([0, 1]), tiles_of([0]), r"shape \(1, 50, 50, 3\).*Received: uint8"),
        (patches_of([0]) / 255, tiles_of([0]), "must be uint8.*Received: float64"),
        (np.zeros((201, 50, 50, 3), np.uint8), tiles_of(range(201)), "at most 200.*201"),
    ],
)
def test_arguments_that_do_not_match_are_refused(patches, tiles, sentence):
    with pytest.raises(ValueError, match=sentence):
        patch_grid(patches, tiles, key="grid", label="")
