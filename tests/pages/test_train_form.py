import pytest

from idc.launch.training_speed import SpeedKey, save_speed
from idc.networks.hardware import device_description
from idc.runs.run import list_runs
from idc.settings.json_file import write_settings_file
from idc.settings.training_config import preset_config
from tests.support.app_pages import open_page, text
from tests.support.made_patches import tiny_store


@pytest.fixture
def started(monkeypatch):
    """Ids of the runs whose trainer the page started; the start is faked."""
    ids = []
    monkeypatch.setattr("idc.launch.start.start_trainer", lambda run: ids.append(run.id))
    return ids


@pytest.fixture(autouse=True)
def tiny(home):
    return tiny_store("tiny", cases=6, per_case=10)


def settings_in_url(at):
    return {
        name: value[0] if isinstance(value, list) else value
        for name, value in at.query_params.items()
        if name not in ("data", "run")
    }


# The URL


def test_link_fills_in_the_form():
    link = {"preset": "notebook", "epochs": "7", "early_stopping": "true", "patience": "2"}
    link |= {"seed": "5", "name": "for you", "schedule": "one-cycle", "patches": "30"}
    at = open_page("train", query=link)

    assert at.selectbox(key="preset").value == "notebook"
    assert at.number_input(key="epochs_notebook").value == 7
    assert at.number_input(key="patience_notebook").value == 2
    assert at.number_input(key="train_seed").value == 5
    assert at.number_input(key="patches_tiny").value == 30
    assert at.selectbox(key="schedule_notebook").value == "one-cycle"
    assert at.text_input(key="run_name").value == "for you"
    assert settings_in_url(at) == link
    assert not at.warning


def test_url_holds_only_changed_settings():
    at = open_page("train")
    assert settings_in_url(at) == {}

    at.number_input(key="epochs_fast").set_value(9).run()
    at.selectbox(key="augmentation_fast").set_value("flips+stain").run()
    assert settings_in_url(at) == {"epochs": "9", "augmentation": "flips+stain"}

    at.number_input(key="epochs_fast").set_value(3).run()
    assert settings_in_url(at) == {"augmentation": "flips+stain"}


def test_preset_change_shows_its_own_values():
    at = open_page("train", query={"epochs": "9"})
    at.selectbox(key="preset").set_value("notebook").run()

    assert at.number_input(key="epochs_notebook").value == 20
    assert settings_in_url(at) == {"preset": "notebook"}


def rate(at):
    return at.number_input(key="learning_rate_fast").value


def test_learning_rate_follows_the_batch_size_until_changed():
    at = open_page("train")
    at.number_input(key="batch_size_fast").set_value(256).run()
    assert rate(at) == 0.008
    assert settings_in_url(at) == {"batch_size": "256"}

    at.number_input(key="learning_rate_fast").set_value(0.01).run()
    at.number_input(key="batch_size_fast").set_value(64).run()
    assert rate(at) == 0.01


@pytest.mark.parametrize("linked", [{}, {"learning_rate": "0.004"}])
def test_link_with_a_large_batch_keeps_its_learning_rate(linked):
    link = {"batch_size": "256", **linked}
    at = open_page("train", query=link)

    assert rate(at) == (0.004 if linked else 0.008)
    assert settings_in_url(at) == link
    assert rate(at.run()) == (0.004 if linked else 0.008)


def test_outdated_url_does_not_undo_a_change():
    at = open_page("train")
    at.number_input(key="epochs_fast").set_value(9).run()
    del at.query_params["epochs"]  # the browser has not received it yet
    at.number_input(key="train_seed").set_value(5).run()

    assert at.number_input(key="epochs_fast").value == 9
    assert settings_in_url(at) == {"epochs": "9", "seed": "5"}


def test_hostile_link_shows_one_sentence_and_the_default_form():
    at = open_page(
        "train",
        query={"data": "../../etc", "epochs": "0", "batch_size": "9" * 400, "preset": "<b>x</b>"},
    )

    [warning] = at.warning
    assert warning.value.startswith("Not applied: there is no data set '../../etc'")
    for part in ("preset must be one of", "epochs must lie in", "batch\\_size is too long"):
        assert part in warning.value
    assert at.selectbox(key="preset").value == "fast"
    assert at.number_input(key="epochs_fast").value == 3
    assert not at.exception

    at.number_input(key="epochs_fast").set_value(4).run()
    assert not at.warning  # shown once


def test_patch_count_above_the_data_set_means_all_patches():
    at = open_page("train", query={"patches": "1000000"})

    assert at.number_input(key="patches_tiny").value == 60
    assert not at.exception


def test_mixed_precision_is_offered_only_with_a_gpu(monkeypatch):
    at = open_page("train", query={"precision": "mixed"})
    assert "mixed precision requires a GPU" in at.warning[0].value
    assert not [box for box in at.selectbox if box.key == "precision_fast"]

    monkeypatch.setattr("idc.ui.train.form.gpu_description", lambda: "NVIDIA H100, 80 GiB")
    at = open_page("train", query={"precision": "mixed"})
    assert at.selectbox(key="precision_fast").value == "mixed"
    assert not at.warning


def test_reopened_form_keeps_its_values():
    at = open_page("train", query={"epochs": "7"})
    at.session_state["setup"] = False
    at.run()
    assert not at.number_input
    at.session_state["setup"] = True
    at.run()

    assert at.number_input(key="epochs_fast").value == 7


# The file


def upload(at, content):
    return at.file_uploader(key="settings_uploaded").set_value(
        [("config.json", content, "application/json")]
    )


def test_settings_file_fills_in_the_form_and_command_line():
    config = preset_config("notebook", "tiny", patches=None, epochs=4, seed=3, balancing="weights")
    at = open_page("train")
    upload(at, write_settings_file(config).encode()).run()

    assert at.selectbox(key="preset").value == "notebook"
    assert at.selectbox(key="balancing_notebook").value == "weights"
    assert settings_in_url(at) == {
        "preset": "notebook",
        "epochs": "4",
        "seed": "3",
        "balancing": "weights",
    }
    assert at.code[0].value.splitlines()[-1].strip() == "--balancing=weights"


def test_setting_that_is_not_on_the_form_shows_a_warning():
    config = preset_config("fast", "tiny", patches=None, split_seed=3)
    at = open_page("train")
    upload(at, write_settings_file(config).encode()).run()

    assert at.warning[0].value.startswith("Not applied: split\\_seed\\: not on the form")


def test_file_with_invalid_settings_shows_a_sentence():
    at = open_page("train")
    upload(at, b'{"data": "tiny", "epochs": -1}').run()

    assert at.warning[0].value.startswith("Not applied: epochs must lie in")
    assert not at.exception


# The estimate


def test_form_estimates_time_and_memory(home):
    save_speed(
        SpeedKey(device_description(), "fast", 64, "float32", 50),
        {
            "device": "CPU, 2 cores",
            "step_s": 10.0,
            "augment_s": {"none": 0.0, "flips": 0.0, "flips+stain": 0.0},
            "predict_s": 0.0,
            "start_s": 30.0,
            "base_bytes": 7 * 10**8,
            "train_bytes": 9 * 10**8,
            "peak_bytes": 12 * 10**8,
            "gpu_bytes": None,
        },
    )
    at = open_page("train")

    assert "Takes about **1 min 0 s** on CPU, 2 cores and about **1.2 GB** of memory." in text(at)
    at.toggle(key="early_stopping_fast").set_value(True).run()
    assert "Takes at most **1 min 0 s**" in text(at)


def test_unknown_speed_is_measured_in_the_background(monkeypatch):
    measured_keys = []
    monkeypatch.setattr("idc.ui.train.estimate.start_benchmark", measured_keys.append)
    at = open_page("train")

    assert "Measuring this device's training speed" in text(at)
    assert set(measured_keys) == {SpeedKey(device_description(), "fast", 64, "float32", 50)}


def test_speed_is_not_measured_during_a_training(monkeypatch, started):
    measured_keys = []
    monkeypatch.setattr("idc.ui.train.estimate.start_benchmark", measured_keys.append)
    at = open_page("train", query={"epochs": "2"})
    at.button(key="start").click().run()
    measured_keys.clear()
    at.session_state["setup"] = True
    at.run()

    assert "unknown while another run trains" in text(at)
    assert measured_keys == []


def test_augmented_training_patches_are_shown_and_redrawn_on_request():
    at = open_page("train", query={"augmentation": "flips+stain"})
    first = at.get("image")[0].proto.imgs[0].url

    at.button(key="other_patches").click().run()

    assert at.get("image")[0].proto.imgs[0].url != first
    assert "Augmentation: flips, right angles and stain" in text(at)


# Several runs


def test_each_seed_starts_a_run(started):
    at = open_page("train", query={"seed": "7", "name": "mine"})
    at.number_input(key="seeds").set_value(3).run()
    assert at.button(key="start").label == "Start 3 trainings"
    at.button(key="start").click().run()

    runs = {run.id: run for run in list_runs()}
    seeds_and_names = [(runs[run_id].config.seed, runs[run_id].config.name) for run_id in started]
    assert seeds_and_names == [(7, "mine, seed 7"), (8, "mine, seed 8"), (9, "mine, seed 9")]


def test_both_splits_start_two_runs_and_open_their_comparison(started):
    at = open_page("train", query={"epochs": "2"})
    at.button(key="start_both").click().run()

    random, by_case = sorted(list_runs(), key=lambda run: started.index(run.id))
    assert (random.config.protocol, by_case.config.protocol) == ("random", "case-disjoint")
    assert random.config.epochs == by_case.config.epochs == 2
    assert at.title[0].value == "Leakage"
    assert at.query_params["random"] in (random.id, [random.id])
    assert "The same training under both splits" in [head.value for head in at.subheader]
