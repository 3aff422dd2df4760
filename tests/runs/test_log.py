import json
import math

from idc.runs.log import LOG_FILE, LogWriter, RunLog, extend_log, read_log


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

    assert (tmp_path / LOG_FILE).read_text() == '{"event": "step", "epoch": 1, "step": 1}\n'


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


def test_lines_other_than_events_are_skipped():
    log = RunLog()

    extend_log(log, '\n5\nnull\n[]\n{}\n{"event": "other", "epoch": 1}\n')

    assert log == RunLog()


def test_nan_loss_round_trip(tmp_path):
    LogWriter(tmp_path).append("step", epoch=1, step=1, loss=math.nan)

    assert math.isnan(read_log(tmp_path).steps[0]["loss"])


def test_log_can_be_read_incrementally(tmp_path):
    log = RunLog()

    extend_log(log, '{"event": "step", "epoch": 1, "step": 1}\n')
    extend_log(log, '{"event": "step", "epoch": 1, "step": 2}\n')
    extend_log(log, '{"event": "start", "epoch": 0}\n')

    assert log == RunLog(starts=[{"epoch": 0}])


def test_best_epoch_is_the_last_that_was_best_so_far():
    log = RunLog(epochs=[{"epoch": e, "best": best} for e, best in ((1, 1), (2, 1), (3, 0))])

    assert log.best_epoch() == {"epoch": 2, "best": 1}


def test_no_best_epoch_before_the_first():
    assert RunLog().best_epoch() is None
