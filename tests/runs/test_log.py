import json
import math
import random

from idc.runs.log import LOG_FILE, LogWriter, RunLog, parse_log, read_log


def write_epochs(writer, *epochs, steps=2, **values):
    for epoch in epochs:
        for step in range(1, steps + 1):
            writer.append("step", epoch=epoch, step=step, **values)
        writer.append("epoch", epoch=epoch, **values)


def steps_of(log):
    return [(step["epoch"], step["step"]) for step in log.steps]


def epochs_of(log):
    return [epoch["epoch"] for epoch in log.epochs]


def test_logged_lines_are_read_back_by_kind(tmp_path):
    writer = LogWriter(tmp_path)

    writer.append("start", epoch=0, device="CPU")
    writer.append("step", epoch=1, step=1, loss=0.5)
    writer.append("epoch", epoch=1, val_loss=0.4, best=True)

    assert read_log(tmp_path) == RunLog(
        steps=[{"epoch": 1, "step": 1, "loss": 0.5}],
        epochs=[{"epoch": 1, "val_loss": 0.4, "best": True}],
        starts=[{"epoch": 0, "device": "CPU"}],
    )


def test_run_without_a_log_has_an_empty_one(tmp_path):
    assert read_log(tmp_path) == RunLog()


def test_line_is_in_the_file_as_soon_as_it_is_logged(tmp_path):
    writer = LogWriter(tmp_path)

    writer.append("step", epoch=1, step=1)

    assert (tmp_path / LOG_FILE).read_text() == (
        '{"event": "step", "epoch": 1, "step": 1, "check": "e65bc33f0c378e29"}\n'
    )


def test_start_supersedes_what_was_logged_about_later_epochs(tmp_path):
    writer = LogWriter(tmp_path)
    writer.append("start", epoch=0)
    write_epochs(writer, 1, 2)
    writer.append("step", epoch=3, step=1)  # then killed, with epoch 1 in the last checkpoint

    writer.append("start", epoch=1)

    log = read_log(tmp_path)
    assert steps_of(log) == [(1, 1), (1, 2)]
    assert epochs_of(log) == [1]
    assert [start["epoch"] for start in log.starts] == [0, 1]


def test_repeated_epoch_is_listed_once_with_new_values(tmp_path):
    writer = LogWriter(tmp_path)
    write_epochs(writer, 1, 2, loss=0.9)
    writer.append("start", epoch=1)
    write_epochs(writer, 2, 3, loss=0.1)

    log = read_log(tmp_path)

    assert steps_of(log) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert [(epoch["epoch"], epoch["loss"]) for epoch in log.epochs] == [
        (1, 0.9),
        (2, 0.1),
        (3, 0.1),
    ]


def test_incomplete_last_line_is_skipped(tmp_path):
    write_epochs(LogWriter(tmp_path), 1)
    with (tmp_path / LOG_FILE).open("a") as file:
        file.write('{"event": "step", "epoch": 2, "st')

    assert steps_of(read_log(tmp_path)) == [(1, 1), (1, 2)]


def test_new_writer_terminates_an_incomplete_line(tmp_path):
    write_epochs(LogWriter(tmp_path), 1)
    with (tmp_path / LOG_FILE).open("a") as file:
        file.write('{"event": "step", "epoch": 2, "st')

    writer = LogWriter(tmp_path)
    writer.append("start", epoch=1)
    write_epochs(writer, 2)

    log = read_log(tmp_path)
    assert epochs_of(log) == [1, 2]
    assert log.starts == [{"epoch": 1}]


def test_line_cut_inside_a_character_is_skipped(tmp_path):
    line = json.dumps({"event": "start", "epoch": 0, "device": "é"}, ensure_ascii=False).encode()
    (tmp_path / LOG_FILE).write_bytes(line[: line.index("é".encode()) + 1])

    assert read_log(tmp_path) == RunLog()


def test_events_of_later_versions_are_skipped():
    assert parse_log(b'\n{"event": "other", "epoch": 1}\n') == RunLog()


def test_lines_that_are_no_events_are_reported():
    log = parse_log(b'5\nnull\n{"event": "epoch", "epoch": "1"}\n{"event": "epoch", "epoch": 1}\n')

    assert log == RunLog(
        epochs=[{"epoch": 1}],
        problems=["3 lines of the log are damaged and left out: 1, 2 and 3."],
    )


def test_nan_loss_round_trip(tmp_path):
    LogWriter(tmp_path).append("step", epoch=1, step=1, loss=math.nan)

    assert math.isnan(read_log(tmp_path).steps[0]["loss"])


def test_damaged_epoch_is_left_out_and_named(tmp_path):
    writer = LogWriter(tmp_path)
    write_epochs(writer, 1, 2, steps=0, loss=0.25)
    path = tmp_path / LOG_FILE
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.75", 1))

    log = read_log(tmp_path, finished_epochs=2)

    assert log.epochs == [{"epoch": 2, "loss": 0.25}]
    assert log.problems == [
        "Line 1 of the log is damaged and left out.",
        "The log lacks epoch 1, so the curves are incomplete.",
    ]


def test_line_that_lost_its_check_is_left_out(tmp_path):
    write_epochs(LogWriter(tmp_path), 1, 2, steps=0)
    path = tmp_path / LOG_FILE
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first + b"\n" + second.replace(b"check", b"chuck") + b"\n")

    log = read_log(tmp_path)

    assert epochs_of(log) == [1]
    assert log.problems == ["Line 2 of the log is damaged and left out."]


def test_lines_without_check_of_older_versions_are_read():
    log = parse_log(b'{"event": "epoch", "epoch": 1}\n{"event": "epoch", "epoch": 2}\n')

    assert log == RunLog(epochs=[{"epoch": 1}, {"epoch": 2}])


def test_emptied_removed_or_replaced_log_lacks_its_epochs(tmp_path):
    lacks = "The log lacks epochs 1 and 2, so the curves are incomplete."
    assert read_log(tmp_path, finished_epochs=2).problems == [lacks]
    (tmp_path / LOG_FILE).touch()
    assert read_log(tmp_path, finished_epochs=2).problems == [lacks]
    (tmp_path / LOG_FILE).unlink()
    (tmp_path / LOG_FILE).mkdir()
    unreadable = "The log cannot be read (Is a directory)."
    assert read_log(tmp_path, finished_epochs=2).problems == [unreadable, lacks]


def test_lost_epoch_that_is_logged_again_takes_its_place(tmp_path):
    writer = LogWriter(tmp_path)
    writer.append("epoch", epoch=2, loss=0.2)
    writer.append("start", epoch=2)
    writer.append("epoch", epoch=1, loss=0.1)

    assert read_log(tmp_path).epochs == [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 0.2}]


def test_each_single_bit_flip_in_a_log_is_reported_or_harmless(tmp_path):
    writer = LogWriter(tmp_path)
    writer.append("start", epoch=0)
    write_epochs(writer, 1, 2, loss=0.25, val_loss=0.5)
    intact = read_log(tmp_path, finished_epochs=2)
    content = (tmp_path / LOG_FILE).read_bytes()

    for bit in random.Random(0).sample(range(8 * len(content)), 200):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / LOG_FILE).write_bytes(flipped)
        log = read_log(tmp_path, finished_epochs=2)
        assert log.problems or log.epochs == intact.epochs, bit
        assert all(step in intact.steps for step in log.steps), bit


def test_best_epoch_is_the_last_that_was_best_so_far():
    log = RunLog(epochs=[{"epoch": e, "best": best} for e, best in ((1, 1), (2, 1), (3, 0))])

    assert log.best_epoch() == {"epoch": 2, "best": 1}


def test_no_best_epoch_before_the_first():
    assert RunLog().best_epoch() is None
