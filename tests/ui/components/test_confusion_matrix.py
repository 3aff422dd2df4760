import json

import pytest
from streamlit.testing.v1 import AppTest

from idc.ui.components.confusion_matrix import confusion_matrix, matrix_data


def page():
    import streamlit as st

    from idc.ui.components.confusion_matrix import confusion_matrix

    counts = st.session_state.get("counts", [[12403, 1065], [812, 20312]])
    selected = st.session_state.get("selected")
    st.session_state["open"] = confusion_matrix(counts, key="matrix", selected=selected)


def run_page(**state):
    at = AppTest.from_function(page, default_timeout=30)
    for name, value in state.items():
        at.session_state[name] = value
    return at.run()


def click(at, cell, selected=None):
    at.session_state["matrix"] = {"pick": {"selected": selected, "cell": cell}}
    return at.run()


def sent(at):
    return json.loads(at.get("bidi_component")[0].proto.json)


def test_matrix_data_holds_headings_counts_and_rates():
    data = matrix_data([[12403, 1065], [812, 20312]])

    assert data["columns"] == ["Predicted IDC-negative", "Predicted IDC-positive"]
    assert [row["heading"] for row in data["rows"]] == [
        "Labelled IDC-negative",
        "Labelled IDC-positive",
    ]
    cells = [cell for row in data["rows"] for cell in row["cells"]]
    assert [(c["cell"], c["name"], c["count"], c["rate"]) for c in cells] == [
        ("tn", "Correctly negative (TN)", "12,403", "92.1 % of IDC-negative"),
        ("fp", "False alarm (FP)", "1,065", "7.9 % of IDC-negative"),
        ("fn", "Missed IDC (FN)", "812", "3.8 % of IDC-positive"),
        ("tp", "Correctly positive (TP)", "20,312", "96.2 % of IDC-positive"),
    ]
    assert [row["total"] for row in data["rows"]] == ["13,468", "21,124"]
    assert data["totals"] == ["13,215", "21,377", "34,592"]


def test_cell_share_is_of_its_row():
    rows = matrix_data([[3, 1], [0, 5]])["rows"]

    assert [[cell["share"] for cell in row["cells"]] for row in rows] == [[0.75, 0.25], [0, 1]]


def test_empty_row_has_no_rates():
    empty, full = matrix_data([[0, 0], [3, 197]])["rows"]

    assert [(cell["rate"], cell["share"]) for cell in empty["cells"]] == [("–", 0), ("–", 0)]
    assert [cell["rate"] for cell in full["cells"]] == [
        "1.5 % of IDC-positive",
        "98.5 % of IDC-positive",
    ]


def test_browser_receives_data_and_open_cell():
    at = run_page(selected="fn")

    data = matrix_data([[12403, 1065], [812, 20312]])
    assert sent(at) == data | {"selected": "fn", "open": "fn", "predictions_id": None}
    assert at.session_state["open"] == "fn"


def test_numpy_counts_are_accepted():
    import numpy as np

    counts = np.array([[2, 1], [0, 4]])

    assert matrix_data(counts) == matrix_data([[2, 1], [0, 4]])
    json.dumps(matrix_data(counts))


@pytest.mark.parametrize("cell", ["tn", "fp", "fn", "tp"])
def test_click_opens_its_cell_until_the_next_click(cell):
    at = click(run_page(), cell)
    assert at.session_state["open"] == cell
    assert sent(at)["open"] == cell

    at.session_state["counts"] = [[1, 2], [3, 4]]
    assert at.run().session_state["open"] == cell


def test_second_click_closes_a_selected_cell():
    assert click(run_page(selected="fn"), None, "fn").session_state["open"] is None


def test_newly_selected_cell_replaces_an_earlier_click():
    at = click(run_page(), "tp")

    at.session_state["selected"] = "fn"

    assert at.run().session_state["open"] == "fn"


@pytest.mark.parametrize("cell", ["xx", 1, ["tp"], {}])
def test_click_on_an_unknown_cell_is_ignored(cell):
    assert click(run_page(selected="fp"), cell, "fp").session_state["open"] == "fp"


@pytest.mark.parametrize("pick", ["tp", ["tp"], 1])
def test_malformed_click_is_ignored(pick):
    at = run_page()

    at.session_state["matrix"] = {"pick": pick}

    assert at.run().session_state["open"] is None


@pytest.mark.parametrize(
    "counts", [[[1, 2]], [[1, 2, 3], [4, 5, 6]], [[1, 2], [3]], [[-1, 2], [3, 4]]]
)
def test_counts_of_another_shape_are_refused(counts):
    with pytest.raises(ValueError, match=r"\[\[tn, fp\], \[fn, tp\]\], each >= 0. Received"):
        matrix_data(counts)


def test_unknown_selected_cell_is_refused():
    with pytest.raises(ValueError, match=r"selected must be one of .*Received: 'TP'"):
        confusion_matrix([[1, 2], [3, 4]], key="matrix", selected="TP")
