import dataclasses
import json

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.datasets.store_trash import delete_store
from idc.errors import ServerBusy, UploadError, UploadTimeout
from idc.prediction import engines
from idc.prediction.training_features import (
    compute_training_features,
    reference_patches,
    reference_store,
)
from idc.runs.light_model import LightModelRecord, home_record_path
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.runs.split import run_split
from tests.support.app_pages import open_page, text
from tests.support.made_patches import png, tiny_store

pytestmark = pytest.mark.slow

CLASSES = (":blue[− IDC-negative]", ":orange[\\+ IDC-positive]")


def upload(at, name, data, kind="image/png"):
    return at.file_uploader(key="upload").upload(name, data, kind).run()


def test_bundled_model_predicts_before_the_first_run(home):
    at = upload(open_page("predict"), "mine.png", png((200, 100, 150)))

    assert at.selectbox(key="run").options == ["Bundled model"]
    assert at.subheader[0].value in CLASSES
    assert "Predicted by the bundled model" in text(at)
    assert "For teaching and research, not for diagnosis." in text(at)


def test_bundled_model_uses_its_own_threshold(home):
    at = upload(open_page("predict"), "mine.png", png((200, 100, 150)))
    threshold = open_run(BUNDLED_RUN_ID).calibration().threshold

    assert f"IDC-positive means a probability of at least {threshold:.1%}." in text(at)


def test_examples_for_the_bundled_model_are_from_unseen_cases(home):
    tiny_store("mine", cases=2, per_case=12)
    at = open_page("predict", source="Pick an example")
    sent = json.loads(at.get("bidi_component")[0].proto.json)

    assert at.selectbox(key="data").options == ["mine"]
    assert len(sent["tiles"]) == 18


def test_uploaded_patch_shows_class_probability_and_model(trained_run):
    at = upload(open_page("predict"), "mine.png", png((200, 100, 150)))

    assert not at.exception
    assert at.subheader[0].value in CLASSES
    assert "Predicted by the run **once**, best weights of epoch 1" in text(at)
    assert "mine.png" in text(at)


def test_resized_upload_shows_a_note(trained_run):
    at = upload(open_page("predict"), "wide.png", png((200, 100, 150), height=50, width=100))

    assert at.info[0].value.startswith("Resized from 100 x 50 to 50 x 50 px.")


def test_prediction_is_explained(trained_run):
    at = upload(open_page("predict"), "mine.png", png((200, 100, 150)))
    maps, views = (json.loads(at.get("bidi_component")[n].proto.json) for n in range(2))

    assert [one["title"] for one in maps["maps"]] == ["Grad-CAM", "Occlusion"]
    assert len(views["tiles"]) == 8
    # All eight views of a uniform patch are equal.
    assert "The answer stands when the patch is turned or mirrored" in text(at)


def test_patches_most_alike_come_with_their_labels_once_they_are_looked_at(trained_run):
    store = reference_store(trained_run)
    compute_training_features(trained_run, reference_patches(trained_run, store))

    at = open_page("predict", query={"data": "tiny", "patch": "3_151_1", "run": trained_run.id})

    alike = json.loads(at.get("bidi_component")[2].proto.json)["tiles"]
    assert len(alike) == 8
    rows = [tile["row"] for tile in alike]
    assert [tile["label"] for tile in alike] == store.labels[rows].tolist()
    assert set(rows) <= set(run_split(trained_run, store).train.tolist()) - {43}
    positive = sum(tile["label"] for tile in alike)
    assert f"**{positive} labelled IDC-positive, {8 - positive} IDC-negative**" in text(at)


def test_flat_colour_is_warned_about_and_similar_patches_need_real_data(home):
    at = upload(open_page("predict"), "flat.png", png((90, 140, 60)))

    assert [warning.value.split(";")[0] for warning in at.warning] == [
        "It is brown or yellow where H\\&E is pink and violet, as an immunostain \\(DAB\\) or a "
        "photograph is",
        "It has less fine detail than tissue at 4 µm a pixel\\: out of focus, or enlarged from a "
        "higher magnification",
    ]
    assert "which is not installed here" in text(at)


def test_bad_upload_shows_a_sentence_and_a_good_one_follows(trained_run):
    at = upload(open_page("predict"), "notes.png", b"these are words")
    sentence = "notes.png is not a PNG, JPEG, TIFF, BMP or WebP image"
    assert at.error[0].value.replace("\\", "").startswith(sentence)
    assert not at.exception

    upload(at, "good.png", png((200, 100, 150)))
    assert not at.error
    assert at.subheader[0].value in CLASSES


@pytest.mark.parametrize(
    ("refusal", "times"), [(UploadTimeout, 1), (UploadError, 1), (ServerBusy, 2)]
)
def test_refusal_is_cached_unless_the_server_was_busy(home, monkeypatch, refusal, times):
    read = []

    def refuse(data, name):
        read.append(name)
        raise refusal("It is refused.")

    monkeypatch.setattr("idc.ui.predict.upload.decode_image", refuse)
    at = upload(open_page("predict"), "slow.png", png((200, 100, 150)))
    at.run()

    assert at.error[0].value == "It is refused."
    assert not at.exception
    assert read == ["slow.png"] * times


def test_example_shows_its_label_after_the_choice(trained_run):
    at = open_page("predict", source="Pick an example")
    sent = json.loads(at.get("bidi_component")[0].proto.json)
    assert {tile["label"] for tile in sent["tiles"]} == {None}
    at.session_state["examples"] = {
        "pick": {"showing": sent["showing"], "row": sent["tiles"][0]["row"]}
    }
    at.run()

    assert "Label: **IDC-" in text(at)


def test_data_set_packed_again_shows_a_sentence_instead_of_examples(trained_run):
    delete_store("tiny")
    tiny_store("tiny", cases=5, per_case=20)

    at = open_page("predict", source="Pick an example", query={"run": trained_run.id})

    assert not at.exception
    assert "was packed again after the run" in at.error[0].value


def test_linked_patch_is_predicted(trained_run):
    at = open_page("predict", query={"data": "tiny", "patch": "3_151_1", "run": trained_run.id})

    assert not at.exception
    assert "Case 3, x 151, y 1 of tiny" in text(at)
    assert "Label: **IDC-positive**" in text(at)
    store = open_store("tiny")
    trained_on = 43 in run_split(trained_run, store).train
    assert ("The run trained on this patch" in "".join(i.value for i in at.info)) == trained_on
    at.button(key="unlink").click().run()
    assert "patch" not in at.query_params
    assert len(at.get("bidi_component")) == 1  # the grid of examples


def test_linked_patch_warns_if_the_run_trained_on_its_case(trained_run):
    store = open_store("tiny")
    trained = int(store.cases[run_split(trained_run, store).train[0]])
    tiny_store("other", cases=1, per_case=2, first_case=trained)
    tiny_store("new", cases=1, per_case=2, first_case=70)

    def notes(data, case):
        query = {"data": data, "patch": f"{case}_1_1", "run": trained_run.id}
        return " ".join(info.value for info in open_page("predict", query=query).info)

    assert "The run trained on patches of this case" in notes("other", trained)
    assert "trained" not in notes("new", 70)
    delete_store("tiny")
    assert "may have trained on this case" in notes("new", 70)


def test_link_with_an_unknown_patch_shows_a_sentence(trained_run):
    at = open_page("predict", query={"data": "tiny", "patch": "3_9951_1"})

    assert (
        at.error[0]
        .value.replace("\\", "")
        .startswith("The data set 'tiny' has no patch '3_9951_1'. Pick another example.")
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "data.zip is a 7z archive; unpack it and choose the images"),
        (b"<html><title>Sign in</title>", "data.zip is a web page (a login or error page that"),
        (b"%PDF-1.7", "data.zip is a PDF document, which cannot be read here"),
    ],
)
def test_upload_of_another_kind_is_named(home, data, sentence):
    at = open_page("predict")
    at.file_uploader(key="upload").set_value([("data.zip", data, "application/zip")]).run()

    assert at.error[0].value.replace("\\", "").startswith(sentence)


def test_note_says_why_keras_answers_instead_of_the_light_engine(trained_run, monkeypatch):
    difference = "Keras answers, because the light engine's values differ from Keras' by 0.1."
    record = LightModelRecord(trained_run.best()["sha256"], "", 0.1, difference)
    home_record_path(trained_run.id).write_text(json.dumps(dataclasses.asdict(record)))

    def ask_keras(run, patches, kind):
        rest = {"grad-cam": [4, 4], "features": [5]}.get(kind, [])
        shape = [len(patches), *rest]
        return {"shape": shape}, np.zeros(shape, np.float32).tobytes()

    monkeypatch.setattr(engines, "_ask_keras", ask_keras)

    at = upload(open_page("predict"), "mine.png", png((200, 100, 150)))

    assert difference in text(at)
