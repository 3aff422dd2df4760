"""The folder for Hugging Face: its card is read by their own library, and shows free text."""

import os
import shutil
import socket

import cv2
import huggingface_hub
import numpy as np
import pytest

from idc.errors import ConfigError, DataError
from idc.evaluation.results import saved_results
from idc.export import hub_folder, packages
from idc.export.hub_folder import check_card, write_hub_folder
from idc.runs.notes import RunNotes, write_notes
from tests.export.made_runs import run_with_weights, write_pets
from tests.support.disk_faults import install_fault

pytestmark = pytest.mark.slow  # imports TensorFlow

HOSTILE = "---\nlicense: mit\n---\n<script>alert(1)</script> | `x` [a](b:c) {{ title }}"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(run, its folder), made without a network; the run's name and its classes are hostile."""

    def refuse(*_):
        raise AssertionError("the network was used")

    home = tmp_path_factory.mktemp("hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDC_HOME", str(home))
        patch.setattr(socket.socket, "connect", refuse)
        write_pets()
        settings = {"protocol": "as-given", "architecture": "2x1-w4-k3-average-d10-flatten"}
        run = run_with_weights("pets", "yours", **settings)
        write_notes(run.folder, RunNotes(HOSTILE))
        write_hub_folder(run, home / "folder")
        yield run, home / "folder"


def test_folder_holds_card_licence_and_described_models(written):
    _, folder = written

    models = ("model.keras", "model.onnx", "model.tflite")
    assert sorted(os.listdir(folder)) == sorted(
        ["README.md", "LICENSE.md", *models, *(f"{name}.json" for name in models)]
    )


def test_their_reader_finds_the_scores_of_the_run(written):
    run, folder = written

    card = huggingface_hub.ModelCard.load(folder / "README.md")

    report = saved_results(run).report()
    stated = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert stated["roc_auc"] == pytest.approx(report.roc_auc)
    assert stated["accuracy"] == pytest.approx(report.accuracy)
    assert card.data.library_name == "keras"
    assert (card.data.license, card.data.license_link) == ("other", "LICENSE.md")


def test_hostile_name_neither_ends_the_metadata_nor_becomes_html(written):
    _, folder = written
    card = huggingface_hub.ModelCard.load(folder / "README.md")

    assert card.data.license == "other"
    assert card.data.model_name.startswith("--- license: mit --- &lt;script&gt;")
    assert "<script>" not in card.content and "<b>" not in card.content
    assert "[a](" not in card.text


def test_code_of_the_card_predicts_a_picture(written, tmp_path, monkeypatch, capsys):
    _, folder = written
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    work = shutil.copytree(folder, tmp_path / "work")
    monkeypatch.chdir(work)
    cv2.imwrite("patch.png", np.full((40, 40, 3), 200, np.uint8))

    exec(code, {})

    first, second = capsys.readouterr().out.splitlines()[-1].strip("[]").split()
    assert float(first) + float(second) == pytest.approx(1, abs=1e-5)


def test_existing_folder_is_kept(written, tmp_path):
    run, folder = written

    with pytest.raises(ConfigError, match="exists; name a folder that does not"):
        write_hub_folder(run, folder)
    with pytest.raises(ConfigError, match="There is no folder"):
        write_hub_folder(run, tmp_path / "a" / "b")


def test_refused_card_leaves_no_folder(written, tmp_path, monkeypatch):
    run, _ = written
    monkeypatch.setattr(hub_folder, "model_card", lambda *_: "---\n[1, 2\n---\n")
    monkeypatch.setattr(hub_folder, "FORMATS", {"keras": hub_folder.FORMATS["keras"]})

    with pytest.raises(DataError, match="refuses the model card"):
        write_hub_folder(run, tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_no_folder(written, tmp_path, monkeypatch):
    run, _ = written
    install_fault("ENOSPC 2", monkeypatch.setattr)

    with pytest.raises(OSError):
        write_hub_folder(run, tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "card",
    ["", "---\n- a\n---\n", "---\nmodel-index:\n- name: a\n---\n", "# No metadata\n"],
    ids=["empty", "list", "no-results", "none"],
)
def test_card_without_sound_metadata_is_refused(card):
    with pytest.raises(DataError):
        check_card(card)


def test_missing_package_says_what_to_install(written, tmp_path, monkeypatch):
    run, _ = written
    monkeypatch.setattr(packages, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="--hub needs huggingface_hub, not installed here"):
        write_hub_folder(run, tmp_path / "out")
