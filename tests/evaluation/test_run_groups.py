import numpy as np
import pytest

from idc.evaluation.run_groups import RunGroup, curve_band, differing_settings, seed_groups
from idc.launch.start import create_run
from idc.runs.log import LogWriter
from idc.settings.training_config import preset_config
from idc.ui.shared.comparison_figures import learning_curves_figure


@pytest.fixture
def make(home):
    """A run with these logged validation AUCs."""

    def made(*aucs, **settings):
        run = create_run(preset_config("fast", "a", **settings))
        log = LogWriter(run.folder)
        for epoch, auc in enumerate(aucs, 1):
            log.append("epoch", epoch=epoch, val_roc_auc=auc, loss=1.0)
        return run

    return made


def test_runs_with_equal_settings_form_one_group(make):
    first, other = make(seed=0, name="a"), make(seed=0, epochs=9)
    second = make(seed=1, name="b")

    assert [group.runs for group in seed_groups([first, other, second])] == [
        (first, second),
        (other,),
    ]
    assert len(seed_groups([first, other, second], merge_seeds=False)) == 3


def test_repeated_run_counts_as_one_seed(make):
    first, repeated = make(seed=3), make(seed=3)

    assert len(seed_groups([first, repeated])) == 2


def test_band_spans_lowest_to_highest_around_the_mean(make):
    group = RunGroup((make(0.5, 0.8, 0.9, seed=0), make(0.7, 0.6, seed=1)))

    band = curve_band(group, "val_roc_auc")

    assert band.epochs.tolist() == [1, 2]  # the epochs that both have reached
    np.testing.assert_allclose(band.mean, [0.6, 0.7])
    np.testing.assert_allclose(band.low, [0.5, 0.6])
    np.testing.assert_allclose(band.high, [0.7, 0.8])


def test_undefined_score_leaves_a_gap_in_the_curve(make):
    band = curve_band(RunGroup((make(None, 0.8),)), "val_roc_auc")

    assert np.isnan(band.mean[0])
    assert band.mean[1] == 0.8


def test_run_without_an_epoch_has_an_empty_curve(make):
    assert len(curve_band(RunGroup((make(),)), "val_roc_auc").epochs) == 0


def test_only_differing_settings_are_listed_without_names(make):
    groups = seed_groups([make(name="a"), make(name="b", epochs=9, patches=None)])

    assert differing_settings(groups) == {"patches": [40_000, None], "epochs": [3, 9]}


def test_seed_is_listed_only_for_single_runs(make):
    one, two = make(seed=0), make(seed=1)

    assert differing_settings(seed_groups([one, two], merge_seeds=False)) == {"seed": [0, 1]}
    assert differing_settings(seed_groups([one, two, make(epochs=9)])) == {"epochs": [3, 9]}


def test_split_seed_of_a_fork_is_compared_with_other_seeds(make):
    groups = seed_groups([make(seed=3), make(seed=4, split_seed=3)], merge_seeds=False)
    assert differing_settings(groups) == {"seed": [3, 4]}

    groups = seed_groups([make(seed=3), make(seed=4, split_seed=7)], merge_seeds=False)
    assert differing_settings(groups) == {"split_seed": [3, 7], "seed": [3, 4]}


def test_groups_share_one_chart_and_several_seeds_have_a_band(make):
    groups = seed_groups([make(0.5, 0.6, seed=0), make(0.7, 0.8, seed=1), make(0.9, epochs=9)])

    bands = [(group.title, curve_band(group, "val_roc_auc")) for group in groups]
    traces = learning_curves_figure(bands, "AUC").data

    assert [trace.fill for trace in traces] == ["toself", None, None]
    assert list(traces[0].y) == pytest.approx([0.7, 0.8, 0.6, 0.5])
    assert list(traces[1].y) == pytest.approx([0.6, 0.7])
    assert traces[1].line.color != traces[2].line.color
