"""``python -m idc predict`` of patches: one row a file, refusals named, warnings of the page."""

import csv
import io
import tarfile

import numpy as np
import pytest
import tifffile

from idc.__main__ import main
from idc.prediction import image_warnings, predictor
from idc.uploads.gate import MAX_FILE_BYTES
from tests.support.made_patches import png, write_patches_zip
from tests.support.made_slides import PINK, write_slide

WARNING = "Do not believe it."
ADVICE = (
    "predict it alone as a region with --region and --mpp UM, or whole slides with --out FOLDER."
)


@pytest.fixture(autouse=True)
def answering(home, monkeypatch):
    """The model answers red / 255 and warns about black patches."""

    def answer(run, patches, on_progress=None):
        return patches[:, 0, 0, 0] / np.float32(255)

    def warn(run, patches):
        return [[] if patch.any() else [WARNING, "It is black."] for patch in patches]

    monkeypatch.setattr(predictor, "predict_patches", answer)
    monkeypatch.setattr(image_warnings, "warnings_for_patches", warn)


@pytest.fixture
def predict(capsys):
    """Runs ``predict``; returns exit code, rows and errors."""

    def run(*words):
        code = main(["predict", *map(str, words)])
        out, err = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(out))), err

    return run


def tar_gz(name, content):
    """A compressed tar archive of one file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def test_rows_are_in_the_order_of_paths_and_folders(predict, tmp_path):
    (tmp_path / "b.png").write_bytes(png((255, 100, 150)))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "2.png").write_bytes(png((51, 20, 30)))
    (folder / "1.png").write_bytes(png((102, 20, 30)))
    (folder / "notes.txt").write_text("no image")
    write_patches_zip(tmp_path / "some.zip", "8863_idx5_x1_y1_class0.png")

    code, rows, err = predict(tmp_path / "b.png", folder, tmp_path / "some.zip")

    assert code == 0
    assert [row["file"] for row in rows] == [
        str(tmp_path / "b.png"),
        str(folder / "1.png"),
        str(folder / "2.png"),
        str(tmp_path / "some.zip" / "8863_idx5_x1_y1_class0.png"),
    ]
    assert [(row["y_prob"], row["y_pred"]) for row in rows[:3]] == [
        ("1.000000", "1"),
        ("0.400000", "1"),
        ("0.200000", "0"),
    ]
    assert {row["warning"] + row["problem"] for row in rows} == {""}
    assert "1 files were skipped because they are not images." in err


def test_warning_column_holds_the_sentences_of_the_page(predict, tmp_path):
    (tmp_path / "black.png").write_bytes(png((0, 0, 0)))
    (tmp_path / "small.png").write_bytes(png((255, 0, 0), height=30, width=30))

    _, rows, _ = predict(tmp_path)

    assert [row["warning"] for row in rows] == [
        f"{WARNING} It is black.",
        "Resized from 30 x 30 to 50 x 50 px. The model was trained on patches of 200 x 200 um; at "
        "another scale its answer is unreliable.",
    ]


@pytest.mark.parametrize(("side", "code"), [(400, 0), (401, 2)])
def test_image_above_400_px_a_side_is_no_patch(side, code, predict, tmp_path):
    (tmp_path / "a.png").write_bytes(png((255, 0, 0), height=side, width=50))

    assert predict(tmp_path / "a.png")[0] == code


def test_refused_region_names_the_options_in_one_sentence(predict, tmp_path):
    rgb = np.full((500, 900, 3), PINK, np.uint8)
    path = write_slide(tmp_path / "s.tif", rgb, mpp_um=1.0, levels=())

    assert predict(path) == (
        2,
        [],
        f"idc: '{path}' is 900 x 500 px, which is larger than a patch; {ADVICE}\n",
    )


def test_folder_with_slides_and_archives_gives_each_a_row(predict, tmp_path):
    (tmp_path / "a.svs").write_bytes(b"a slide")
    (tmp_path / "b.dcm").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "c.tar.gz").write_bytes(tar_gz("a.png", png((1, 2, 3))))
    (tmp_path / "d.png").write_bytes(png((255, 0, 0)))
    (tmp_path / "e.png").write_bytes(png((255, 0, 0), height=401))

    code, rows, err = predict(tmp_path)

    assert code == 2
    assert [row["y_prob"] for row in rows] == ["", "", "", "1.000000", ""]
    assert [row["problem"] for row in rows] == [
        f"'{tmp_path / 'a.svs'}' is a whole slide; {ADVICE}",
        f"'{tmp_path / 'b.dcm'}' is a DICOM file; {ADVICE}",
        "c.tar.gz is a tar archive; unpack it and choose the images inside.",
        "",
        f"'{tmp_path / 'e.png'}' is 50 x 401 px, which is larger than a patch; {ADVICE}",
    ]
    assert err.splitlines()[-1] == (
        "4 of 5 files have no prediction; the column 'problem' states why."
    )


def test_damaged_image_has_its_problem_in_the_written_table(predict, tmp_path):
    (tmp_path / "good.png").write_bytes(png((255, 100, 150)))
    (tmp_path / "bad.png").write_bytes(png((200, 100, 150))[:-20])
    out = tmp_path / "out.csv"

    code, printed, err = predict(tmp_path / "bad.png", tmp_path / "good.png", "--csv", out)

    assert (code, printed) == (2, [])
    assert err.startswith("idc: bad.png is damaged")
    with out.open(newline="") as file:
        bad, good = csv.DictReader(file)
    assert bad["problem"].startswith("bad.png is damaged")
    assert (good["y_prob"], good["problem"]) == ("1.000000", "")


def test_missing_folder_of_the_table_is_found_before_reading(predict, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")

    code, _, err = predict(tmp_path / "a.png", "--csv", tmp_path / "none" / "out.csv")

    assert code == 2
    assert err == (
        f"idc: '{tmp_path / 'none' / 'out.csv'}' cannot be written, because there is no folder "
        f"'{tmp_path / 'none'}'; create it or choose another path.\n"
    )


def test_file_above_the_limit_of_uploads_is_named_as_a_slide(predict, tmp_path):
    path = tmp_path / "large.tif"
    with path.open("wb") as file:
        file.write(b"II*\0")
        file.truncate(MAX_FILE_BYTES + 1)

    assert predict(path) == (
        2,
        [],
        f"idc: '{path}' cannot be read, or is larger than 200 MB; {ADVICE}\n",
    )


def test_header_of_a_slide_above_the_limits_of_images_is_enough(predict, tmp_path):
    path = tmp_path / "wide.tif"
    tifffile.imwrite(path, np.zeros((2, 20_000, 3), np.uint8))

    _, _, err = predict(path)

    assert err.startswith(f"idc: '{path}' is 20,000 x 2 px, which is larger than a patch; ")
