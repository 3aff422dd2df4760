"""Tables of labels: ``file,label[,case,x,y]``."""

import pytest

from idc.datasets.store import open_store
from idc.errors import DataError
from idc.ingest.layouts.plan import PackOptions
from idc.ingest.pack_data import pack_data
from tests.support.picture_trees import write_tree

TABLE = "file,label,case,x,y\na.png,0,P1,0,0\nsub/b.png,1,P1,32,0\nc.png,1,P2,0,0\n"


@pytest.fixture
def folder(home, tmp_path):
    write_tree(tmp_path / "set", ["a.png", "sub/b.png", "c.png"])
    return tmp_path / "set"


def test_table_gives_label_case_and_place(folder, tmp_path):
    (tmp_path / "labels.csv").write_text(TABLE)

    pack_data([folder], "set", PackOptions(labels=tmp_path / "labels.csv"))

    store = open_store("set")
    assert store.index[["case", "x", "y", "label"]].to_numpy().tolist() == [
        [0, 0, 0, 0],
        [0, 32, 0, 1],
        [1, 0, 0, 1],
    ]
    assert store.description.case_names == ("P1", "P2")
    assert store.description.has_places


def test_table_given_as_a_path_belongs_to_its_folder(folder):
    (folder / "labels.csv").write_text(TABLE)

    pack_data([folder / "labels.csv"], "set")

    assert len(open_store("set")) == 3


@pytest.mark.parametrize(
    "text",
    [
        "image_id;diagnosis\na;benign\nb;malignant\nc;malignant\n",
        "\ufeffFile,Label\nset/a.png,benign\n./sub/b.png,malignant\nc.png,malignant\n",
        "filename\tclass\na.png\tbenign\nsub\\b.png\tmalignant\nc.png\tmalignant\n",
    ],
    ids=["names without suffix", "byte order mark", "tabs and backslashes"],
)
def test_headings_delimiters_and_paths_of_other_programs_are_read(folder, text):
    (folder / "labels.csv").write_text(text, encoding="utf-8")

    pack_data([folder / "labels.csv"], "set")

    store = open_store("set")
    assert sorted(store.labels.tolist()) == [0, 1, 1]
    assert store.description.class_names == ("benign", "malignant")


def test_rows_without_a_file_and_files_without_a_row_are_counted(folder):
    (folder / "labels.csv").write_text("file,label\na.png,0\nc.png,1\ngone.png,1\n")

    report = pack_data([folder / "labels.csv"], "set")

    assert report.foreign == 2  # b.png, and the table itself
    assert "1 rows of the table name a file that is not there." in report.notes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,x\na.png,1\n", "needs the columns file and label"),
        ("file,label\n", "has no rows below its heading"),
        ("file,label\nother.png,1\n", "None of the 1 files in 'labels.csv' is among the 3"),
        ("file,label,case,x,y\na.png,0,1,one,0\n", "x and y must be whole numbers"),
    ],
)
def test_unusable_table_is_refused_with_a_sentence(folder, text, sentence):
    (folder / "labels.csv").write_text(text)

    with pytest.raises(DataError, match=sentence):
        pack_data([folder / "labels.csv"], "set")


def test_table_that_is_no_text_is_refused(folder):
    (folder / "labels.csv").write_bytes(b"\xff\xfe\x00binary")

    with pytest.raises(DataError, match="is not a text file in UTF-8"):
        pack_data([folder / "labels.csv"], "set")
