import json

import pytest

from idc.networks.architecture import Architecture, costs_of
from idc.runs.run import list_runs
from tests.support.app_pages import metrics, open_page
from tests.support.made_patches import tiny_store

pytestmark = pytest.mark.slow


@pytest.fixture
def started(monkeypatch):
    """Ids of the runs whose trainer the page started; the start is faked."""
    ids = []
    monkeypatch.setattr("idc.launch.start.start_trainer", lambda run: ids.append(run.id))
    return ids


def layers(at):
    return json.loads(at.get("bidi_component")[0].proto.json)["layers"]


def test_each_choice_updates_costs_and_layers(home):
    at = open_page("build")
    assert metrics(at)["Parameters"] == f"{costs_of(Architecture()).parameters:,}"
    assert metrics(at)["Receptive field"] == "22 × 22 px"

    at.slider(key="built_blocks").set_value(4).run()
    at.radio(key="built_pooling").set_value("none").run()
    built = Architecture(blocks=4, pooling="none")

    assert metrics(at)["Parameters"] == f"{costs_of(built).parameters:,}"
    assert metrics(at)["Multiply-adds"] == f"{costs_of(built).multiply_adds / 1e6:,.1f} million"
    assert metrics(at)["Receptive field"] == "9 × 9 px"
    assert [layer["shape"] for layer in layers(at)][-2:] == [[128], [2]]
    assert at.query_params["architecture"] == str(built)


def test_link_opens_its_network(home):
    at = open_page("build", query={"architecture": "2x3-w8-k5-average-d20-flatten"})

    assert at.slider(key="built_convolutions").value == 3
    assert at.radio(key="built_kernel").value == 5
    assert at.slider(key="built_dropout").value == 20


def test_changed_url_changes_the_network(home):
    at = open_page("build")
    first = at.query_params["architecture"]
    at.slider(key="built_blocks").set_value(4).run()
    at.query_params["architecture"] = "2x3-w8-k5-average-d20-flatten"  # the visitor opens a link

    assert at.run().slider(key="built_blocks").value == 2
    assert first != at.query_params["architecture"]


def test_broken_link_shows_an_error_and_the_default_network(home):
    at = open_page("build", query={"architecture": "huge"})

    assert "architecture must have the form" in at.error[0].value
    assert at.slider(key="built_blocks").value == Architecture().blocks


def test_network_beyond_the_limits_shows_an_error_sentence(home):
    at = open_page("build", query={"architecture": "5x1-w8-k3-max-d0-average"})

    at.slider(key="built_width").set_value(64).run()
    at.slider(key="built_convolutions").set_value(3).run()

    assert at.error[0].value.startswith("A custom network has at most 5,000,000 parameters")
    assert not at.exception


def test_train_button_starts_a_run_of_this_network(home, started):
    tiny_store("tiny", cases=4, per_case=20)
    at = open_page("build", query={"architecture": "2x1-w4-k3-max-d10-average"})

    at.number_input(key="built_epochs").set_value(2)
    at.text_input(key="built_name").set_value("mine")
    at.button(key="train_it").click().run()

    [run] = list_runs()
    assert started == [run.id]
    assert run.config.network == "yours-2x1-w4-k3-max-d10-average"
    assert (run.config.epochs, run.config.name, run.config.patches) == (2, "mine", None)


def test_data_that_cannot_be_split_starts_no_run(home, started):
    tiny_store("tiny", cases=2, per_case=10)
    at = open_page("build")

    at.button(key="train_it").click().run()

    assert at.error[0].value.startswith("Splitting by case needs at least 3 cases")
    assert started == []
