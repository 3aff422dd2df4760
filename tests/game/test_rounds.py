"""idc.game.rounds: a round has ten patches of unseen cases and is reproducible."""

import numpy as np
import pytest

from idc.datasets.store import open_store
from idc.errors import GameError
from idc.game import rounds
from idc.game.rounds import draw_round, unseen_rows
from idc.runs.run import BUNDLED_RUN_ID, open_run
from idc.runs.split import train_cases
from tests.support.evaluated_run import evaluated_run
from tests.support.made_patches import tiny_store


@pytest.fixture
def answers(monkeypatch):
    """A model that returns a higher probability for darker patches: mostly correct here."""

    def predict(run, patches):
        return (1 - patches.mean(axis=(1, 2, 3)) / 255).astype(np.float32)

    monkeypatch.setattr(rounds, "predict_patches", predict)


def test_round_is_drawn_from_held_out_cases(home, answers):
    run = open_run(BUNDLED_RUN_ID)
    trained_on = int(train_cases(run)[0])
    store = tiny_store("mixed", cases=12, per_case=12, first_case=trained_on)
    is_train = np.isin(store.cases, train_cases(run))

    drawn = draw_round(run, store, "hard", seed=1)

    assert is_train.any() and not is_train.all()
    assert np.array_equal(unseen_rows(run, store), np.flatnonzero(~is_train))
    assert not is_train[drawn.rows].any()
    assert len(set(drawn.rows.tolist())) == 10
    assert drawn.labels.tolist() == store.labels[drawn.rows].tolist()
    assert drawn.threshold == run.calibration().threshold


def test_same_seed_draws_the_same_round_and_checksum(home, answers):
    run, store = open_run(BUNDLED_RUN_ID), tiny_store("mine", cases=12)
    first, again, other = (draw_round(run, store, "medium", seed) for seed in (1, 1, 2))

    assert first.rows.tolist() == again.rows.tolist() and first.check == again.check
    assert first.rows.tolist() != other.rows.tolist() and first.check != other.check


def test_run_trained_on_every_case_is_refused(home):
    run = open_run(BUNDLED_RUN_ID)
    store = tiny_store("known", cases=1, first_case=int(train_cases(run)[0]))

    with pytest.raises(GameError, match="has trained on every case of the data set 'known'"):
        unseen_rows(run, store)


def test_split_by_patch_leaves_no_unseen_case(home):
    run = evaluated_run(name="once")  # random by patch

    with pytest.raises(GameError, match="'once' has trained on every case of the data set 'tiny'"):
        unseen_rows(run, open_store("tiny"))
