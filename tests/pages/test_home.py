import pytest

from idc.datasets.store import list_stores
from idc.ingest import packing_job
from idc.ingest.pack_data import pack_data
from tests.support.app_pages import open_page, text
from tests.support.made_patches import png, tiny_store, write_patches_zip


@pytest.fixture(autouse=True)
def no_jobs():
    packing_job._jobs.clear()
    packing_job._previews.clear()


def write_folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def check(at, path, name):
    at.text_area(key="pack_paths").set_value(str(path))
    at.text_input(key="pack_name").set_value(name)
    button = next(button for button in at.button if button.label == "Check the files")
    return button.click().run()


def wait_for_check(at):
    while packing_job._previews.list_jobs()[0].live:
        at.run()
    at.run()


def test_empty_home_offers_three_data_sets(home):
    at = open_page("home")

    assert at.title[0].value == "IDC Lab"
    assert [title.value for title in at.subheader] == ["Start with a data set"]
    assert [offer for offer in text(at).splitlines() if offer.startswith("#####")] == [
        "##### Start with generated tissue",
        "##### Get the real data set",
        "##### Use your own files",
    ]
    assert at.button(key="make_demo").label == "Start with generated tissue"
    assert not at.exception


def test_demo_tissue_is_not_offered_again_once_installed(home):
    tiny_store("demo")

    assert [button for button in open_page("home").button if button.key == "make_demo"] == []


def test_home_with_data_lists_it_and_links_to_training(home):
    tiny_store("tiny", cases=2, per_case=6)
    at = open_page("home")

    assert [title.value for title in at.subheader] == [
        "Data sets",
        "Latest runs",
        "Add a data set",
    ]
    assert at.info[0].value == "None yet."


def test_home_compares_each_data_set_with_the_full_set(home):
    tiny_store("tiny", cases=2, per_case=6, first_case=8863)

    assert "**tiny**: 12 patches of 2 cases, 50.0% IDC-positive" in text(open_page("home"))
    assert "12 of 277,524 patches; 0 of 279 cases complete." in text(open_page("home"))


def test_form_packs_a_zip(home, tmp_path):
    write_patches_zip(tmp_path / "some.zip", "8863_idx5_x1_y1_class0.png")
    at = check(open_page("home"), tmp_path / "some.zip", "some")
    wait_for_check(at)
    at.button(key="pack_now").click().run()
    while packing_job.pack_jobs()[0].state == "packing":
        at.run()
    at.run()

    assert list_stores() == ["some"]
    assert at.success[0].value == "**some** is packed and ready."


@pytest.mark.parametrize(
    ("path", "name", "sentence"),
    [
        ("", "a", "Enter the full path of a zip or folder."),
        ("/nowhere/archive.zip", "a", "There is no file or folder at '/nowhere/archive.zip'"),
        ("/nowhere/archive.zip", "../a", "A data set's name has 1 to 64 letters"),
    ],
)
def test_invalid_path_or_name_shows_an_error_sentence(home, path, name, sentence):
    at = check(open_page("home"), path, name)

    assert at.error[0].value.replace("\\", "").startswith(sentence)
    assert not at.exception
    assert list_stores() == []


def test_file_that_is_no_zip_is_named_at_the_check(home, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"this is no zip")
    at = check(open_page("home"), tmp_path / "bad.zip", "bad")
    wait_for_check(at)

    assert "is not a readable zip file" in at.error[0].value


def test_failed_packing_shows_its_error_and_can_be_dismissed(home, tmp_path):
    source = write_patches_zip(tmp_path / "bad.zip", "8863_idx5_x1_y1_class0.png")
    at = check(open_page("home"), source, "bad")
    wait_for_check(at)
    source.write_bytes(b"this is no zip")
    at.button(key="pack_now").click().run()
    while packing_job.pack_jobs()[0].state == "packing":
        at.run()
    at.run()
    assert "is not a readable zip file" in at.error[0].value

    at.button(key="dismiss_bad").click().run()
    assert not at.error


def test_packed_data_set_states_other_sizes_and_conflicting_labels(home, tmp_path):
    files = {"8863/1/8863_idx5_x1_y1_class0.png": png((200, 100, 150), 96, 96)}
    pack_data([write_folder(tmp_path / "set", files)], "set")

    shown = text(open_page("home"))

    assert (
        "1 patch of 96x96 px, resized to 50x50 px: their scale is probably not 4 µm per pixel"
        in shown.replace("\\", "")
    )
    assert "Folder and file name state different labels for 1 file; the label" in shown
    assert "edge patches" not in shown


def test_archive_of_another_kind_is_named_on_the_page(home, tmp_path):
    (tmp_path / "set.zip").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4")
    at = check(open_page("home"), tmp_path / "set.zip", "set")
    wait_for_check(at)

    assert "is a 7z archive; unpack it and give the folder" in at.error[0].value
