import numpy as np
import pandas as pd
import pytest

from idc.datasets.full_set import expected_counts, published_cases
from idc.evaluation.published import (
    PUBLISHED,
    iso_balanced_accuracy_line,
    iso_f1_curve,
    why_not_comparable,
)
from idc.settings.training_config import TrainingConfig


def all_patches(part):
    """An index with every patch of a published part."""
    counts = expected_counts()
    cases = [case for case in sorted(published_cases()[part]) if case in counts]
    return pd.DataFrame(
        {
            "case": np.concatenate([np.full(sum(counts[case]), case) for case in cases]),
            "label": np.concatenate([np.repeat([0, 1], counts[case]) for case in cases]),
        }
    )


def reasons(scored, trained=None, part="test", **settings):
    return why_not_comparable(TrainingConfig("real", **settings), part, scored, trained)


def test_published_figures_are_those_of_the_papers():
    figures = {result.name: (result.balanced_accuracy, result.f1) for result in PUBLISHED}

    assert figures == {
        "Cruz-Roa et al. 2014": (0.842, 0.718),
        "Janowczyk & Madabhushi 2016": (0.847, 0.765),
        "Romero et al. 2019": (0.890, None),  # its F1 is a weighted average
        "Notebooks on Kaggle": (None, None),
    }


def test_every_published_figure_on_the_same_cases_has_a_doi():
    assert all("doi:10." in result.source for result in PUBLISHED if result.same_cases)


@pytest.mark.parametrize("value", [0.4, 0.5, 0.842, 1.0])
def test_line_of_equal_balanced_accuracy_ends_at_the_plots_borders(value):
    rate, sensitivity = iso_balanced_accuracy_line(value)

    assert (sensitivity + 1 - rate) / 2 == pytest.approx([value, value])
    assert np.concatenate([rate, sensitivity]).min() == pytest.approx(0)
    assert np.concatenate([rate, sensitivity]).max() == pytest.approx(1)


def test_line_of_equal_f1_has_that_f1_everywhere():
    recall, precision = iso_f1_curve(0.718)

    assert 2 * precision * recall / (precision + recall) == pytest.approx(np.full(50, 0.718))
    assert (precision[0], recall[-1]) == pytest.approx((1, 1))


def test_run_on_all_published_patches_is_comparable():
    assert reasons(all_patches("test"), all_patches("train"), protocol="published") == []


@pytest.mark.parametrize("protocol", ["case-disjoint", "random"])
def test_other_split_is_not_comparable(protocol):
    [reason] = reasons(all_patches("test"), protocol=protocol)

    assert f"protocol '{protocol}'" in reason


def test_scores_of_the_validation_part_are_not_comparable():
    [reason] = reasons(all_patches("validation"), part="validation", protocol="published")

    assert reason == (
        "The scores are those of the validation part; the published ones are of the test part."
    )


def test_part_of_the_patches_is_not_comparable():
    found = reasons(
        all_patches("test").iloc[1:], all_patches("train").iloc[:100], protocol="published"
    )

    assert found == [
        "Only 51,438 of the 51,439 patches of the test cases were scored.",
        "Only 100 of the 83,399 patches of the training cases were trained on.",
    ]


def test_training_on_more_cases_is_not_comparable():
    [reason] = reasons(all_patches("test"), protocol="published", unlisted="train")

    assert reason == "It trained on cases outside the published lists too."
