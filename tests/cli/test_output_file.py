"""Files that commands write are whole or absent, and run in no spreadsheet."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from idc.cli.output_file import check_outputs, write_output
from idc.errors import IdcError
from idc.files.spreadsheets import csv_text
from tests.support.disk_faults import install_fault

ROOT = Path(__file__).resolve().parents[2]


def test_full_disk_leaves_no_file(tmp_path, monkeypatch):
    install_fault("ENOSPC 1+", monkeypatch.setattr)

    with pytest.raises(IdcError, match=r"out\.csv' cannot be written \(No space left on device\)"):
        write_output(tmp_path / "out.csv", b"file\n")

    assert list(tmp_path.iterdir()) == []


def test_full_disk_keeps_the_earlier_file(tmp_path, monkeypatch):
    (tmp_path / "out.csv").write_text("earlier")
    install_fault("ENOSPC 1+", monkeypatch.setattr)

    with pytest.raises(IdcError):
        write_output(tmp_path / "out.csv", b"file\n")

    assert (tmp_path / "out.csv").read_text() == "earlier"


def test_folder_in_the_way_is_one_sentence(tmp_path):
    with pytest.raises(IdcError, match=r"cannot be written \(Is a directory\)"):
        write_output(tmp_path, b"file\n")


def test_outputs_that_can_be_written_pass_the_check(tmp_path):
    check_outputs(None, "-", "out.csv", tmp_path / "out.csv", "/dev/null")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (
            "none/out.csv",
            "because there is no folder 'none'; create it or choose another path.",
        ),
        (".", "'.' is a folder; give the name of a file."),
        (
            "a/out.csv",
            "because there is no folder 'a'; create it or choose another path.",
        ),
        ("x" * 300 + "/out.csv", "cannot be written (File name too long); choose another path."),
    ],
)
def test_output_that_cannot_be_written_is_found_before(target, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("a file")

    with pytest.raises(IdcError) as refused:
        check_outputs(None, target)

    assert sentence in str(refused.value)


def test_device_is_written_in_place():
    write_output(Path("/dev/null"), b"file\n")

    assert not Path("/dev/null").is_file()


def test_no_cell_of_a_table_is_a_formula():
    table = pd.DataFrame({"name": ["=HYPERLINK(1)", "a"], "value": [-0.5, 1.0]})

    assert csv_text(table, float_format="%.1f") == "name,value\n'=HYPERLINK(1),-0.5\na,1.0\n"


def test_every_csv_writer_guards_its_text():
    unguarded = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "idc").rglob("*.py"))
        if writes_csv(source := path.read_text(encoding="utf-8"))
        and "spreadsheet_safe" not in source
    ]

    assert unguarded == []


def writes_csv(source: str) -> bool:
    """Whether a module calls pandas' or the standard library's CSV writer itself."""
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return "to_csv" in names or ("DictWriter" in names or "csv.writer(" in source)
