"""The shell's commands: in this process, and as real processes where those differ."""

import csv
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from idc.__main__ import main
from idc.prediction.image_warnings import patch_warnings
from idc.prediction.predictor import predict_patches
from idc.runs.lineage import read_lineage
from idc.runs.run import BUNDLED_RUN_ID, open_run
from tests.support.fake_kaggle import Answer
from tests.support.made_patches import SMALL_ARCHITECTURE, png, tiny_store, write_patches_zip


def real_shell(*words):
    """Run a command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "idc", *map(str, words)], capture_output=True, text=True
    )


@pytest.fixture
def shell(capsys):
    """Runs a command in this process; returns its exit code, output and errors."""

    def run(*words):
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as ended:  # of argparse
            code = ended.code
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return run


@pytest.fixture
def training_shell(shell, forker, monkeypatch, tmp_path):
    """The same for commands that replace their process by the trainer: it is forked instead."""

    def replace_process(executable, command, environment):
        printed = tmp_path / "printed.txt"
        printed.unlink(missing_ok=True)
        code = forker.start(*command[2:], output=printed).wait()
        print(printed.read_text())
        sys.exit(code)

    monkeypatch.setattr("idc.cli.training_commands.os.execve", replace_process)
    return shell


def test_pack_and_verify_print_what_scripts_read(home, tmp_path, shell):
    write_patches_zip(
        tmp_path / "two.zip", "8863_idx5_x1_y1_class0.png", "8864_idx5_x1_y1_class1.png"
    )

    packed = real_shell("pack", tmp_path / "two.zip", "--name", "two")
    verified = shell("verify", "two")
    measured = shell("measure", "two")

    assert packed.returncode == 0
    assert packed.stdout.splitlines() == [
        "2 patches: 1 IDC-negative, 1 IDC-positive",
        "2 of 277,524 patches; 0 of 279 cases complete",
    ]
    assert verified.stdout.splitlines()[-1] == "ok 2 patches, 2 cases"
    assert measured.stdout == "2 patches: mean tissue share 100.0%, mean stain 0.246\n"
    assert packed.stderr == verified.stderr == measured.stderr == ""


@pytest.mark.slow  # fetches, checks and packs
def test_download_fetches_checks_and_packs(home, kaggle, shell):
    kaggle.storage = [Answer(cut_after=1_000)]

    done = shell("download", "--name", "real", "--expect", 3)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "3 patches in the data set 'real'",
        "3 of 277,524 patches; 0 of 279 cases complete",
    ]
    assert kaggle.requested_ranges() == [None, "bytes=1000-"]


@pytest.mark.slow  # fetches and checks
def test_download_of_another_archive_is_refused(home, kaggle, shell):
    done = shell("download")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("idc: The zip is complete, but holds 3 different patches")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow  # begins to fetch
def test_interrupted_download_keeps_received_bytes(home, kaggle):
    kaggle.storage = [Answer(stall_after=1_000)]
    shell = subprocess.Popen(
        [sys.executable, "-m", "idc", "download"], stderr=subprocess.PIPE, text=True
    )
    part = home / "download" / "breast-histopathology-images.zip.part"
    kaggle.stalling.wait()
    while not part.exists() or part.stat().st_size < 1_000:
        assert shell.poll() is None
    shell.send_signal(signal.SIGINT)
    _, err = shell.communicate()

    assert shell.returncode == 2
    assert err == "idc: Stopped. The bytes received are kept; resume at any time.\n"
    assert part.stat().st_size == 1_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("pack", "nowhere.zip", "--name", "a"),
            "idc: There is no file or folder at 'nowhere.zip'",
        ),
        (("verify", "none"), "idc: There is no data set named 'none'"),
        (("train", "--data", "none"), "idc: There is no data set named 'none'"),
        (("train", "--data", "none", "--epochs", "0"), "idc: epochs must lie in [1, 10000]"),
        (("resume", "none"), "idc: There is no run 'none'"),
        (("evaluate", "../none"), "idc: There is no run '../none'"),
        (("predict", "nowhere.png", "--run", "none"), "idc: There is no run 'none'"),
        (("predict", "nowhere.png"), "idc: There is no file or folder at 'nowhere.png'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(home, shell, words, sentence):
    done = shell(*words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_process_with_bad_input_ends_with_one_sentence_and_exit_code_2(home):
    done = real_shell("verify", "none")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("idc: There is no data set named 'none'")
    assert len(done.stderr.splitlines()) == 1


def test_unknown_run_is_refused_before_scikit_learn_is_imported(home):
    code = (
        "import sys; from idc.__main__ import main; "
        "print([main(line.split()) for line in sys.argv[1:]]); "
        "print({'keras', 'sklearn'} & set(sys.modules))"
    )
    lines = ["evaluate none", "predict a.png --run none", "compare none b", "doubtful none"]

    done = subprocess.run([sys.executable, "-c", code, *lines], capture_output=True, text=True)

    assert done.stdout == "[2, 2, 2, 2]\nset()\n"
    assert done.stderr == "idc: There is no run 'none'.\n" * 4


def test_closed_output_pipe_ends_a_command_without_an_error(home):
    reader, writer = os.pipe()
    os.close(reader)
    buffered = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}

    done = subprocess.run(
        [sys.executable, "-m", "idc", "runs"], stdout=writer, stderr=subprocess.PIPE, env=buffered
    )

    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_runs_of_an_empty_home_is_an_empty_list(home, shell):
    assert json.loads(shell("runs", "--json").stdout) == []


@pytest.mark.parametrize(
    "command",
    ["download", "pack", "verify", "train", "resume", "fork", "runs", "evaluate", "predict"],
)
def test_every_command_has_help(command, shell):
    done = shell(command, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: python -m idc {command}")


@pytest.mark.slow
def test_train_prints_the_split_and_ends_with_the_runs_id(home, training_shell):
    tiny_store("tiny", cases=4, per_case=12)
    done = real_shell(
        *("train", "--data", "tiny", "--preset", "yours", "--architecture", SMALL_ARCHITECTURE),
        *("--epochs", 1, "--batch-size", 8, "--name", "first"),
    )

    assert done.returncode == 0
    run_id = done.stdout.splitlines()[-1]
    [listed] = json.loads(training_shell("runs", "--json").stdout)
    assert (listed["run"], listed["name"], listed["state"]) == (run_id, "first", "finished")
    assert "validation" in done.stderr

    again = training_shell("resume", run_id, "--more-epochs", 1)
    assert (again.returncode, again.stdout.split()[-1]) == (0, run_id)
    assert json.loads(training_shell("runs", "--json").stdout)[0]["epoch"] == 2

    forked = training_shell("fork", run_id, "--seed", 5, "--epochs", 1, "--name", "forked")
    assert forked.returncode == 0
    child = open_run(forked.stdout.split()[-1])
    assert (child.status().state, child.config.seed, child.config.name) == ("finished", 5, "forked")
    assert read_lineage(child).sentence() == (
        "Forked from first after epoch 2; other settings: seed 0 → 5."
    )


@pytest.mark.slow
def test_evaluate_scores_the_saved_predictions(trained_run, shell):
    scored = json.loads(shell("evaluate", trained_run.id, "--json").stdout)

    (tn, fp), (fn, tp) = scored["confusion_matrix"]
    assert scored["part"] == "test"
    assert (
        scored["n"] == tn + fp + fn + tp == len(trained_run.predictions().query("part == 'test'"))
    )
    assert scored["accuracy"] == (tn + tp) / scored["n"]
    assert scored["threshold"] == 0.5
    assert {"balanced_accuracy", "sensitivity", "specificity", "f1", "roc_auc"} <= set(scored)
    strict = json.loads(shell("evaluate", trained_run.id, "--json", "--threshold", 1).stdout)
    assert strict["confusion_matrix"][0][1] == 0


@pytest.mark.slow
def test_evaluate_on_another_data_set_scores_all_its_patches(trained_run, shell):
    tiny_store("other", cases=2, per_case=5, first_case=70)

    done = shell("evaluate", trained_run.id, "--data", "other", "--json")

    scored = json.loads(done.stdout)
    assert (scored["n"], scored["data"], scored["part"]) == (10, "other", "all")
    assert done.stderr == ""


@pytest.mark.slow
def test_evaluate_warns_about_cases_that_the_run_trained_on(trained_run, shell):
    done = shell("evaluate", trained_run.id, "--data", trained_run.config.data, "--json")

    assert "Warning: the run trained on" in done.stderr
    assert done.returncode == 0


@pytest.mark.slow  # loads the model
def test_predict_answers_and_warns_as_the_model_does(home, tmp_path, shell):
    (tmp_path / "glass.png").write_bytes(png((243, 243, 243)))
    glass = np.full((1, 50, 50, 3), 243, np.uint8)
    run = open_run(BUNDLED_RUN_ID)

    done = shell("predict", tmp_path / "glass.png")

    [row] = csv.DictReader(done.stdout.splitlines())
    assert (done.returncode, row["problem"]) == (0, "")
    assert row["y_prob"] == f"{predict_patches(run, glass)[0]:.6f}"
    assert row["warning"] == " ".join(patch_warnings(run, glass[0])) != ""
