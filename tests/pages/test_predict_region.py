import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from idc.large_images import region, whole_slide
from idc.large_images.slide_predictions import SlideRequest, predict_slide_file, save_predictions
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.ui.predict import patch
from tests.support.app_pages import open_page, text
from tests.support.made_patches import png
from tests.support.made_slides import (
    GLASS,
    PINK,
    annotation_bytes,
    box_feature,
    tissue_squares,
    write_scn,
    write_slide,
)
from tests.support.tiff_files.scales import scaled_tiff

CONFLICT = (
    "The MPP values state 4 um per pixel, the resolution tags 1; the first is used unless you "
    "choose another."
)


@pytest.fixture(autouse=True)
def answering(home, monkeypatch):
    """A model that predicts 0.75 for every patch."""

    def answer(run, patches, on_progress=None):
        return np.full(len(patches), 0.75, np.float32)

    for module in (patch, region, whole_slide):
        monkeypatch.setattr(module, "predict_patches", answer)


def upload(at, name, data, kind="image/png"):
    return at.file_uploader(key="upload").upload(name, data, kind).run()


def choice(at, label):
    """The segmented control whose label starts with this text."""
    return next(one for one in at.get("button_group") if one.proto.label.startswith(label))


def as_png(rgb: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def viewer(at) -> dict:
    """The data sent to the slide viewer."""
    return json.loads(at.get("bidi_component")[0].proto.json)


def unpacked(data: str, dtype: str) -> list:
    return np.frombuffer(base64.b64decode(data), dtype).tolist()


REGION = as_png(tissue_squares(600, 400, 200, [(0, 0), (1, 2)]))  # six patches at 10x, two tissue


def region_at_10x(at):
    upload(at, "mine.png", REGION)
    choice(at, "Objective").set_value("10x · 1").run()
    return at


def test_patch_of_50_px_is_predicted_without_a_question():
    at = upload(open_page("predict"), "mine.png", png(PINK))

    assert not at.exception
    assert "Probability of IDC: **75.0%**" in at.get("progress")[0].proto.text
    assert [group.proto.label for group in at.get("button_group")] == ["Image"]


def test_large_image_asks_for_its_kind_and_scale():
    at = upload(open_page("predict"), "mine.png", REGION)

    assert choice(at, "600 × 400 px: what does it show?").value == "A region, cut into patches"
    assert choice(at, "Objective").value is None
    assert "The model works at 4 µm per pixel" in at.info[0].value
    assert len(at.button) == 0


def test_large_image_can_be_predicted_as_one_patch():
    at = upload(open_page("predict"), "mine.png", REGION)
    choice(at, "600").set_value("One patch, scaled down").run()

    assert "Probability of IDC: **75.0%**" in at.get("progress")[0].proto.text
    assert at.info[0].value.startswith("Resized from 600 x 400 to 50 x 50 px.")


def test_tiling_is_shown_before_anything_is_predicted():
    at = region_at_10x(open_page("predict"))

    assert "0.60 × 0.40 mm: **2 patches** of 200 × 200 µm, 66.7% of the area" in text(at)
    assert at.button(key="predict_region").label == "Predict 2 patches"
    assert len(at.get("image")) == 1
    assert not at.get("bidi_component")


def test_heat_map_cells_are_in_pixels_of_the_upload():
    at = region_at_10x(open_page("predict"))
    at.button(key="predict_region").click().run()
    sent = viewer(at)

    assert not at.exception
    assert (sent["width"], sent["height"], sent["mpp_um"]) == (600, 400, 1.0)
    assert unpacked(sent["boxes"], "<u2") == [0, 0, 200, 200, 400, 200, 200, 200]
    assert unpacked(sent["places"], "<i4") == [0, 0, 400, 200]
    assert unpacked(sent["values"][0]["data"], "<f4") == [0.75, 0.75]
    assert "**100.0%** of 0.08 mm² of tissue predicted as IDC-positive" in text(at)
    assert "(probability of at least 38.3%)." in text(at)
    assert [one.proto.label for one in at.get("download_button")] == ["CSV", "GeoJSON", "PNG"]


def test_picked_patch_shows_prediction_and_place():
    at = region_at_10x(open_page("predict"))
    at.button(key="predict_region").click().run()
    sent = viewer(at)
    at.session_state["region"] = {
        "pick": {"showing": sent["showing"], "mark": sent["mark"]["number"], "id": 1}
    }
    at.run()

    assert "Probability of IDC: **0.750**" in text(at)
    assert "x 400, y 200 px of the image" in text(at)


def test_predictions_stay_until_the_request_changes():
    at = region_at_10x(open_page("predict"))
    at.button(key="predict_region").click().run()
    choice(at, "Objective").set_value("20x · 0.5").run()
    assert not at.get("bidi_component")  # another scale needs another prediction
    choice(at, "Objective").set_value("10x · 1").run()

    assert len(at.get("bidi_component")) == 1


def test_overlap_gives_four_cells_per_patch():
    at = region_at_10x(open_page("predict"))
    at.toggle[0].set_value(True).run()
    at.button(key="predict_region").click().run()

    assert unpacked(viewer(at)["boxes"], "<u2")[:8] == [0, 0, 100, 100, 100, 0, 100, 100]


def test_overlap_on_a_small_region_stays_within_it():
    small = as_png(tissue_squares(80, 80, 80, [(0, 0)]))  # 20 x 20 px at 4 um
    at = upload(open_page("predict"), "small.png", small)
    choice(at, "80").set_value("A region, cut into patches").run()
    choice(at, "Objective").set_value("10x · 1").run()
    at.toggle[0].set_value(True).run()

    assert not at.exception
    assert "0.08 × 0.08 mm: **1 patch** of 200 × 200 µm, 0.0% of the area" in text(at)
    assert len(at.get("image")) == 1
    at.button(key="predict_region").click().run()

    assert not at.exception
    assert unpacked(viewer(at)["boxes"], "<u2") == [0, 0, 80, 80]
    assert "**100.0%** of 0.01 mm² of tissue predicted as IDC-positive" in text(at)


def test_scale_is_taken_from_the_file_if_stated():
    file = io.BytesIO()
    rgb = Image.fromarray(tissue_squares(600, 400, 200, [(0, 0)]))
    rgb.save(file, "TIFF", dpi=(25_400, 25_400))
    at = upload(open_page("predict"), "mine.tif", file.getvalue(), "image/tiff")

    assert choice(at, "Objective").value == "From the file · 1"
    assert at.button(key="predict_region").label == "Predict 1 patch"


def test_scale_conflict_of_an_upload_is_shown():
    data = scaled_tiff("MPP = 4", pixels_per_cm=10_000)
    at = upload(open_page("predict"), "mine.tif", data, "image/tiff")
    choice(at, "60").set_value("A region, cut into patches").run()

    assert choice(at, "Objective").value == "From the file · 4"
    assert CONFLICT in [note.value for note in at.info]


def test_entered_scale_enlarges_the_region_with_a_warning():
    at = upload(open_page("predict"), "mine.png", REGION)
    choice(at, "Objective").set_value("Other").run()
    at.number_input[0].set_value(8.0).run()

    sentence = at.warning[0].value.replace("\\", "")
    assert sentence.startswith("Enlarged 1:2 to the model's 4 µm per pixel.")


def test_scale_that_shrinks_the_image_to_nothing_shows_a_sentence():
    at = upload(open_page("predict"), "mine.png", png(PINK, height=60, width=600))
    choice(at, "600").set_value("A region, cut into patches").run()
    choice(at, "Objective").set_value("40x · 0.25").run()

    assert "far less than a patch" in at.error[0].value


def test_blank_region_cannot_be_predicted():
    at = upload(open_page("predict"), "blank.png", png(GLASS, height=500, width=500))
    choice(at, "Objective").set_value("2.5x · 4").run()

    assert at.warning[0].value == "No tissue found: the whole image is background."
    assert at.button(key="predict_region").disabled


def annotate(at, *features):
    """Choose annotations in the field of the shown image."""
    field = next(one for one in at.file_uploader if one.label.startswith("Only inside"))
    data = annotation_bytes(*features)
    return field.upload("a.geojson", data, "application/geo+json").run()


def test_only_patches_inside_annotations_are_predicted():
    at = region_at_10x(open_page("predict"))
    annotate(
        at,
        box_feature("T[u](http://x)", 400, 200, 600, 400),
        box_feature("Glass", 200, 0, 400, 200),
        box_feature("", 0, 0, 9, 9, objectType="cell"),
    )

    assert "1 object was ignored \\(1 cell\\)" in at.info[-1].value
    assert "**1 patch** of 200 × 200 µm, 50.0% of the area inside the annotations" in text(at)
    at.button(key="predict_region").click().run()
    assert unpacked(viewer(at)["boxes"], "<u2") == [400, 200, 200, 200]
    table = at.table[0].value
    assert table.index.tolist() == ["T\\[u\\]\\(http\u2060\\://x\\)", "Glass"]
    assert table.to_numpy().tolist() == [["1", "0.04", "100.0%"], ["0", "0.00", "–"]]


def test_annotations_change_the_request():
    at = region_at_10x(open_page("predict"))
    at.button(key="predict_region").click().run()
    annotate(at, box_feature("A", 400, 200, 600, 400))

    assert not at.get("bidi_component")
    assert at.button(key="predict_region").label == "Predict 1 patch"


def test_refused_annotations_are_one_sentence():
    at = region_at_10x(open_page("predict"))
    annotate(at, box_feature("A", 4000, 200, 6000, 400))

    assert not at.exception
    assert "No patch of this image has its centre inside" in at.error[0].value
    annotate(at, {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": 5}})
    assert "has an outline that is no list" in at.error[0].value


# Whole slides


@pytest.fixture
def slides(tmp_path, monkeypatch):
    folder = tmp_path / "slides"
    folder.mkdir()
    monkeypatch.setenv("IDC_SLIDES", str(folder))
    return folder


def test_no_path_can_be_read_without_allowed_folders(monkeypatch):
    monkeypatch.delenv("IDC_SLIDES", raising=False)
    at = open_page("predict", source="Whole slide")

    assert "The operator lists these folders in IDC_SLIDES" in at.info[0].value
    assert len(at.selectbox) == 1  # the run


def test_path_outside_the_allowed_folders_is_refused_as_missing(slides, tmp_path):
    (tmp_path / "secret.svs").write_bytes(b"")
    at = open_page("predict", source="Whole slide", slide_path=str(tmp_path / "secret.svs"))

    assert "There is no slide at that path" in at.error[0].value


def test_whole_slide_shows_its_tiling_before_the_prediction(slides):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    path = write_slide(slides / "s.svs", rgb, mpp_um=1.0)
    at = open_page("predict", query={"slide": str(path)})

    assert not at.exception
    assert "600 × 400 px at full resolution, 1 µm per pixel" in text(at)
    assert "**2 patches**" in text(at)
    assert at.button(key="predict_slide").label == "Predict the slide"


def test_scale_conflict_of_a_slide_is_shown(slides):
    path = slides / "s.tif"
    path.write_bytes(scaled_tiff("MPP = 4", pixels_per_cm=10_000, tile=(64, 64)))
    at = open_page("predict", query={"slide": str(path)})

    assert choice(at, "Objective").value == "From the file · 4"
    assert CONFLICT in [note.value for note in at.info]


def test_whole_slide_is_limited_to_annotations(slides):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    path = write_scn(slides / "s.scn", rgb, size=(1600, 1200), at=(400, 400), mpp_um=1.0)
    at = open_page("predict", query={"slide": str(path)})
    assert "**2 patches**" in text(at)
    annotate(at, box_feature("A", 400, 200, 600, 400))

    assert not at.exception
    assert "**1 patch** of 200 × 200 µm, 0.0% of the area inside the annotations" in text(at)


def test_saved_predictions_are_shown_after_a_refresh(slides):
    rgb = tissue_squares(600, 400, 200, [(0, 0), (1, 2)])
    path = write_slide(slides / "s.svs", rgb, mpp_um=1.0)
    question = SlideRequest(path, 1.0, open_run(BUNDLED_RUN_ID), stride=25)
    save_predictions(question, predict_slide_file(question))
    at = open_page("predict", query={"slide": str(path), "overlap": "1"})
    sent = viewer(at)
    at.session_state["whole_slide"] = {
        "pick": {"showing": sent["showing"], "mark": sent["mark"]["number"], "id": 7}
    }
    at.run()

    assert len(unpacked(sent["values"][0]["data"], "<f4")) == 8
    assert "Mean of all patches that overlap here: 0.750" in text(at)
    assert "x 500, y 300 px of the slide at full resolution" in text(at)
