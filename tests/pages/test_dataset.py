import json

from tests.support.app_pages import metrics, open_page, text
from tests.support.made_patches import tiny_store


def shown(at):
    return json.loads(at.get("bidi_component")[0].proto.json)["tiles"]


def test_page_without_data_links_to_home(home):
    at = open_page("dataset")

    assert at.info[0].value == "There is no data set yet."
    assert not at.exception


def test_page_shows_the_counts_of_the_data_set(home):
    tiny_store("tiny", cases=3, per_case=5)
    at = open_page("dataset")

    assert metrics(at) == {
        "Patches": "15",
        "Cases": "3",
        "IDC-positive": "40.0%",
        "Edge patches": "0",
    }
    assert len(at.get("plotly_chart")) == 3


def test_sample_alternates_between_the_classes(home):
    tiny_store("tiny", cases=4, per_case=20)
    tiles = shown(open_page("dataset"))

    assert [tile["label"] for tile in tiles] == [0, 1] * 18
    assert [tile["caption"] for tile in tiles[:2]] == ["negative", "positive"]


def test_shuffle_changes_the_sample_and_a_seed_repeats_it(home):
    tiny_store("tiny", cases=4, per_case=40)
    at = open_page("dataset")
    first = shown(at)
    at.button[0].click().run()
    second = shown(at)
    at.number_input(key="seed").set_value(0).run()

    assert at.number_input(key="seed").value == 0
    assert first != second
    assert shown(at) == first


def test_chosen_patch_is_shown_enlarged_with_its_facts(home):
    tiny_store("tiny", cases=3, per_case=4)
    at = open_page("dataset")
    sent = json.loads(at.get("bidi_component")[0].proto.json)
    row = sent["tiles"][1]["row"]
    at.session_state["sample"] = {"pick": {"showing": sent["showing"], "row": row}}
    at.run()

    assert "**IDC-positive** (label)" in text(at)
    assert f"Case {1 + row // 4}, x {1 + 50 * (row % 4)}, y 1" in text(at)


def test_overview_explains_the_class_imbalance(home):
    tiny_store("tiny", cases=3, per_case=5)

    assert (
        "40.0% of these patches are IDC-positive; per case the share ranges from 40% to 40%"
        in text(open_page("dataset"))
    )


def test_opened_expander_lists_every_case(home):
    tiny_store("tiny", cases=3, per_case=5)
    at = open_page("dataset")
    assert len(at.dataframe) == 0

    at.session_state["case_list"] = True
    at.run()

    assert at.dataframe[0].value["case"].tolist() == [1, 2, 3]
