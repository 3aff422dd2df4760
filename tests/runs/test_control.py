"""idc.runs.control: what people ask of a trainer, and that it hears each request once."""

import pytest

from idc.runs import control
from idc.runs.control import CONTROL_FILE, PAUSE, RESUME, Requests
from idc.training.trainer import _Trainer


def test_each_request_is_heard_once_even_when_it_is_the_same_again(tmp_path):
    requests = Requests(tmp_path)
    heard = [requests.poll()]
    for request in (PAUSE, RESUME, PAUSE, PAUSE):
        control.send_request(tmp_path, request)
        heard += [requests.poll(), requests.poll()]

    assert heard == ["", PAUSE, "", RESUME, "", PAUSE, "", PAUSE, ""]


def test_request_from_before_the_trainer_reaches_it_unless_it_was_taken_back(tmp_path):
    control.send_request(tmp_path, PAUSE)
    assert Requests(tmp_path).poll() == PAUSE

    control.clear_request(tmp_path)
    assert Requests(tmp_path).poll() == ""


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"other": 1}'])
def test_unreadable_request_asks_for_nothing(tmp_path, content):
    (tmp_path / CONTROL_FILE).write_text(content)

    assert control.read_request(tmp_path) == ("", "")


def test_request_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="request must be one of pause, resume"):
        control.send_request(tmp_path, "halt")


def test_trainer_that_left_its_pause_sees_a_wish_that_came_while_it_still_held_the_lock(tmp_path):
    trainer = _Trainer(tmp_path, None, lambda: False)
    control.send_request(tmp_path, PAUSE)
    assert trainer._requests.poll() == PAUSE  # obeyed: it paused, and somebody needs the device
    assert not trainer.resume_requested()

    control.send_request(tmp_path, RESUME)

    assert trainer.resume_requested()
