import pytest

from idc.datasets.splits import make_split
from idc.datasets.store import open_store
from idc.launch.start import create_run
from idc.settings.training_config import preset_config
from idc.ui.leakage.sections import pair_picture
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store


def checked(at):
    at.button(key="check").click().run()
    assert not at.exception
    return at


def test_random_split_shows_neighbours_with_images(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = open_page("leakage")
    at.selectbox(key="split").set_value("random").run()
    checked(at)

    table = at.table[0].value
    assert table.loc["Shared cases"].tolist() != ["0", "0", "0"]
    assert int(table.loc["Neighbours on the slide", "train – test"]) > 0
    assert any("touch a training patch on the slide" in warning.value for warning in at.warning)
    assert len(at.get("image")) >= 3


def test_split_by_case_is_clean(home):
    tiny_store("tiny", cases=3, per_case=10)
    at = checked(open_page("leakage"))

    assert at.success[0].value.startswith("No case is in two parts")
    assert not at.warning


def test_all_patches_of_another_data_set_are_checked(home):
    tiny_store("large", cases=5, per_case=10)
    tiny_store("small", cases=3, per_case=4)
    at = open_page("leakage", query={"split_patches": "20"})
    assert (at.selectbox(key="data").value, at.number_input(key="split_patches").value) == (
        "large",
        20,
    )

    for name, patches in (("small", 12), ("large", 50)):
        at.selectbox(key="data").set_value(name).run()
        assert at.number_input(key="split_patches").value == patches


@pytest.mark.parametrize("page", ["leakage", "train", "build"])
def test_data_set_of_one_patch_is_rejected_with_a_message(home, page):
    tiny_store("one", cases=1, per_case=1)
    at = open_page(page)
    if page == "build":
        at.button(key="train_it").click().run()

    assert not at.exception
    assert "needs at least" in at.error[0].value


def test_report_is_cached_for_the_same_split(home):
    tiny_store("tiny", cases=3, per_case=10)
    checked(open_page("leakage"))

    at = open_page("leakage")

    assert at.success  # at once
    assert not [button for button in at.button if button.key == "check"]


def test_split_of_the_run_in_the_url_is_checked(home):
    tiny_store("tiny", cases=3, per_case=10)
    run = create_run(preset_config("notebook", "tiny", protocol="random", seed=3, name="mine"))
    at = open_page("leakage")
    at.query_params["run"] = run.id
    at.run()

    assert "The split of the run **mine**: random by patch (the notebook's), seed 3" in text(at)
    sizes = make_split(open_store("tiny").index, "random", seed=3)
    checked(at)
    assert any(f"of {len(sizes.test)} test patches" in warning.value for warning in at.warning)


def test_split_of_a_fork_is_named_by_its_original_seed(home):
    tiny_store("tiny")
    config = preset_config("notebook", "tiny", protocol="random", seed=3, split_seed=5)

    at = open_page("leakage", query={"run": create_run(config).id})

    assert "random by patch (the notebook's), seed 5, data set tiny" in text(at)


def test_touching_pair_is_drawn_in_its_slide_position(home):
    store = tiny_store("tiny", cases=1, per_case=3)

    touching = pair_picture(store, [1, 0], (-50, 0))  # the second lies to the left
    apart = pair_picture(store, [0, 1])

    assert touching.shape == (300, 300, 4)
    assert (touching[75:225:3, :150:3, :3] == store.patches[0]).all()
    assert (touching[75:225:3, 150::3, :3] == store.patches[1]).all()
    assert (touching[:75, :, 3] == 0).all()
    assert apart.shape == (150, 330, 4)
    assert (apart[:, 150:180, 3] == 0).all()  # a gap
