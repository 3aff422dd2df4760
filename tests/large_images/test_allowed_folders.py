import pytest

from idc.errors import SlideError
from idc.large_images.allowed_folders import allowed_folders, allowed_slide, list_slides


@pytest.fixture
def open_folder(tmp_path, monkeypatch):
    folder = tmp_path / "open"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.svs").write_bytes(b"")
    (folder / "deep" / "b.TIF").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"")
    (tmp_path / "secret.svs").write_bytes(b"")
    monkeypatch.setenv("IDC_SLIDES", str(folder))
    return folder


def test_no_slide_is_allowed_without_the_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("IDC_SLIDES", raising=False)
    (tmp_path / "a.svs").write_bytes(b"")

    assert allowed_folders() == []
    assert list_slides() == []
    with pytest.raises(SlideError):
        allowed_slide(str(tmp_path / "a.svs"))


def test_only_slides_in_and_below_the_folder_are_listed(open_folder):
    assert list_slides() == [str(open_folder / "a.svs"), str(open_folder / "deep" / "b.TIF")]


def test_absolute_and_relative_paths_are_accepted(open_folder):
    assert allowed_slide(str(open_folder / "a.svs")) == open_folder / "a.svs"
    assert allowed_slide(" deep/b.TIF ") == open_folder / "deep" / "b.TIF"


def test_path_outside_gives_the_message_of_a_missing_file(open_folder, tmp_path):
    (open_folder / "link.svs").symlink_to(tmp_path / "secret.svs")
    sentences = set()
    for text in (
        str(tmp_path / "secret.svs"),  # there, but outside
        str(tmp_path / "nothing.svs"),
        "../secret.svs",
        "link.svs",
        str(open_folder / "nothing.svs"),
        str(open_folder / "deep"),
        "/etc/passwd",
        "a\0.svs",
        "x" * 5000,
    ):
        with pytest.raises(SlideError) as refused:
            allowed_slide(text)
        sentences.add(str(refused.value))

    assert len(sentences) == 1


def test_several_folders_are_separated_as_in_path(tmp_path, monkeypatch):
    monkeypatch.setenv("IDC_SLIDES", f"{tmp_path / 'a'}:{tmp_path / 'b'}:")

    assert allowed_folders() == [tmp_path / "a", tmp_path / "b"]
