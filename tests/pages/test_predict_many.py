import gc
import json
import threading

import numpy as np
import pytest

from idc.prediction import file_job
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.server.quotas import QuotaExceeded
from idc.server.upload_usage import quota
from tests.support.app_pages import metrics, open_page, text
from tests.support.hostile_files import hostile_zips, zip_of
from tests.support.made_patches import png
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

LABELLED = zip_of(
    {
        "8863/0/8863_idx5_x1_y1_class0.png": png((230, 200, 220)),
        "8863/1/8863_idx5_x51_y1_class1.png": png((120, 60, 140)),
        "more/1/c.png": png((90, 40, 120)),
        "notes.txt": b"these are words",
    }
)


def upload(at, *files):
    kinds = [(name, data, "application/octet-stream") for name, data in files]
    at.file_uploader(key="upload").set_value(kinds).run()
    for _ in range(60):  # each rerun waits a while for the predictions
        if not at.session_state["many"].job.state().running:
            break
        at.session_state["many"].job.wait()
        at.run()
    return at


def sent(at, key):
    """The data sent to the component with this key."""
    return next(
        json.loads(view.proto.json)
        for view in at.get("bidi_component")
        if key in json.loads(view.proto.json)
    )


def test_zip_shows_counts_matrix_table_and_refusals(home):
    at = upload(open_page("predict"), ("case.zip", LABELLED))

    assert not at.exception and not at.error
    found = metrics(at)
    assert found["Predicted"] == "3" and found["Refused"] == "1"
    assert int(found["IDC-positive"]) + int(found["IDC-negative"]) == 3
    assert [one.help for one in at.metric if one.label == "IDC-positive"] == [
        f"Probability of at least {open_run(BUNDLED_RUN_ID).calibration().threshold:.1%}, "
        "the threshold of the run."
    ]
    matrix = sent(at, "totals")
    assert [row["total"] for row in matrix["rows"]] == ["1", "2"]
    rows = sent(at, "sprite_columns")["rows"]
    assert [(row["name"], row["label"]) for row in rows] == [
        ("8863/0/8863_idx5_x1_y1_class0.png", 0),
        ("8863/1/8863_idx5_x51_y1_class1.png", 1),
        ("more/1/c.png", 1),
    ]
    assert at.table[0].value.iloc[0, 0].startswith("notes.txt is not a PNG")
    assert "3 files with a label in the file or folder name" in text(at)


def test_predictions_are_kept_over_reruns_until_the_files_change(home):
    at = upload(open_page("predict"), ("case.zip", LABELLED))
    first = at.session_state["many"].job

    at.run()
    assert at.session_state["many"].job is first

    upload(at, ("a.png", png((230, 200, 220))), ("b.png", png((90, 40, 120))))
    assert at.session_state["many"].job is not first
    assert metrics(at)["Predicted"] == "2"
    assert "Confusion matrix" not in [heading.value for heading in at.subheader]


def test_job_stops_with_the_session_of_its_visitor(home, monkeypatch):
    started, released = threading.Event(), threading.Event()

    def predict(run, patches):
        started.set()
        assert released.wait(120)
        return np.zeros(len(patches), np.float32), [[]] * len(patches)

    monkeypatch.setattr(file_job, "predict_with_warnings", predict)
    files = zip_of({f"{number}.png": png((200, 100, 150)) for number in range(200)})
    at = open_page("predict")
    at.file_uploader(key="upload").set_value([("many.zip", files, "application/zip")]).run()
    job = at.session_state["many"].job
    assert started.wait(120)
    assert job.state().running and len(at.button(key="stop_many").label) > 0

    del at
    wait_until(lambda: gc.collect() < 0 or job.is_stopped(), "the work is stopped")
    released.set()
    job.wait(120)

    assert job.state().done < 200


def test_heading_sorts_and_an_open_matrix_cell_filters(home):
    at = upload(open_page("predict"), ("case.zip", LABELLED))
    at.session_state["many_table"] = {"order": {"by": "y_prob", "descending": True}}
    at.run()
    y_prob = [row["y_prob"] for row in sent(at, "sprite_columns")["rows"]]
    assert y_prob == sorted(y_prob, reverse=True)

    cells = {
        cell["cell"]: int(cell["count"])
        for row in sent(at, "totals")["rows"]
        for cell in row["cells"]
    }
    cell = next(name for name, count in cells.items() if count)
    at.session_state["many_matrix"] = {"pick": {"selected": None, "cell": cell}}
    at.run()
    assert len(sent(at, "sprite_columns")["rows"]) == cells[cell]


def test_hostile_zip_shows_one_sentence(home):
    at = upload(open_page("predict"), ("evil.zip", hostile_zips()["parent"][1]))

    assert not at.exception
    assert metrics(at)["Refused"] == "1"
    assert "leads out of the zip" in at.table[0].value.iloc[0, 0]


def test_refused_upload_shows_its_reason_and_files_can_be_removed(home):
    at = open_page("predict")
    session = "test session id"  # of AppTest
    with pytest.raises(QuotaExceeded), quota.reserve(session, 10**9):
        pass
    at.run()
    assert at.error[0].value.startswith("A file of more than 200 MB is not accepted")

    at.button(key="remove_uploads").click().run()

    assert not at.error and quota.refusal(session) == ""
    assert at.file_uploader(key="upload-1").value == []


def test_labels_that_folder_and_name_state_differently_are_counted(home):
    files = zip_of({"1/9_idx5_x1_y1_class0.png": png((230, 200, 220)), "1/c.png": png((9, 9, 9))})

    at = upload(open_page("predict"), ("case.zip", files))

    assert [warning.value for warning in at.warning] == [
        "Folder and file name state different labels for 1 file; the label of the file name is "
        "used."
    ]
