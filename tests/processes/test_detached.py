"""idc.processes.detached: processes in a session of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from idc.files.home import PROJECT_DIR
from idc.processes.detached import module_command, start_detached
from tests.support.waiting import wait_until


def python(code):
    return [sys.executable, "-c", code]


def test_module_command_runs_the_module_with_this_python():
    assert module_command("idc", "runs", "--json") == [
        sys.executable,
        "-m",
        "idc",
        "runs",
        "--json",
    ]


def test_process_has_its_own_session_and_the_project_folder():
    code = "import os; print(os.getpid() == os.getsid(0), os.getcwd())"

    process = start_detached(python(code), output=subprocess.PIPE)

    assert process.communicate(timeout=60)[0].split() == ["True", str(PROJECT_DIR)]


def test_output_and_errors_are_appended_to_the_file(tmp_path):
    path = tmp_path / "output.txt"
    path.write_text("before\n")
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"

    start_detached(python(code), output=path).wait(60)

    assert path.read_text() == "before\nout\nerr\n"


def test_default_environment_holds_the_home_and_no_secret(home, monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    code = "import os; print(os.environ['IDC_HOME'], 'KAGGLE_KEY' in os.environ)"

    process = start_detached(python(code), output=subprocess.PIPE)

    assert process.communicate(timeout=60)[0].split() == [str(home), "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ended_child_does_not_stay_a_zombie():
    pid = start_detached(python("")).pid

    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the child is reaped", 60)


def test_file_descriptor_is_inherited_on_request(tmp_path):
    reading, writing = os.pipe()
    start_detached(python(f"import os; os.write({writing}, b'x')"), pass_fds=[writing]).wait(60)
    os.close(writing)

    with os.fdopen(reading, "rb") as file:
        assert file.read() == b"x"


def test_process_that_cannot_start_raises():
    with pytest.raises(FileNotFoundError):
        start_detached(["/nowhere/python"])
