"""idc.runs.control: what people ask of a trainer, and that it hears each request once."""

import pytest

from idc.runs import control
from idc.runs.control import CONTROL_FILE, PAUSE, RESUME, Requests
from idc.training.trainer import _Trainer


def test_each_request_is_returned_once_even_if_repeated(tmp_path):
    requests = Requests(tmp_path)
    heard = [requests.poll()]
    for request in (PAUSE, RESUME, PAUSE, PAUSE):
        control.send_request(tmp_path, request)
        heard += [requests.poll(), requests.poll()]

    assert heard == ["", PAUSE, "", RESUME, "", PAUSE, "", PAUSE, ""]


def test_earlier_request_reaches_the_trainer_unless_cleared(tmp_path):
    control.send_request(tmp_path, PAUSE)
    assert Requests(tmp_path).poll() == PAUSE

    control.clear_request(tmp_path)
    assert Requests(tmp_path).poll() == ""


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"other": 1}'])
def test_unreadable_request_is_ignored(tmp_path, content):
    (tmp_path / CONTROL_FILE).write_text(content)

    assert control.read_request(tmp_path) == ("", "")


def test_unknown_request_is_rejected(tmp_path):
    with pytest.raises(ValueError, match="request must be one of pause, resume"):
        control.send_request(tmp_path, "halt")


def test_resume_requested_during_shutdown_is_honoured(tmp_path):
    trainer = _Trainer(tmp_path, None, lambda: False)
    control.send_request(tmp_path, PAUSE)
    assert trainer._requests.poll() == PAUSE  # obeyed: paused, and another run needs the device
    assert not trainer.resume_requested()

    control.send_request(tmp_path, RESUME)

    assert trainer.resume_requested()
