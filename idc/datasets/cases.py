"""Patches per case and class, and how many of them the full set has."""

import pandas as pd

from idc.datasets.description import KAGGLE_DESCRIPTION, DataDescription
from idc.datasets.full_set import expected_counts, expected_patches


def case_counts(
    index: pd.DataFrame, description: DataDescription = KAGGLE_DESCRIPTION
) -> pd.DataFrame:
    """Count each case's patches.

    Args:
        index: columns ``case`` and ``label`` (0/1), one row per patch.

    Returns:
        One row per case, sorted by case: ``case``, ``patches``, ``negative``, ``positive``,
        ``share`` (of positive patches, [0, 1]), ``expected`` (float64, patches of the case in
        the full set; nan for a case outside it, and in other data sets).
    """
    counted = index["label"].groupby(index["case"]).agg(patches="size", positive="sum")
    table = counted.astype("int64").reset_index()
    table["negative"] = table["patches"] - table["positive"]
    table["share"] = table["positive"] / table["patches"]
    expected = expected_patches if description.is_idc_set else lambda _: None
    table["expected"] = table["case"].map(expected).astype("float64")
    return table[["case", "patches", "negative", "positive", "share", "expected"]]


def imbalance_note(table: pd.DataFrame, description: DataDescription = KAGGLE_DESCRIPTION) -> str:
    """Explain what the shares in a table of `case_counts` mean for training.

    The table must hold at least one case.
    """
    positive, patches = int(table["positive"].sum()), int(table["patches"].sum())
    majority = max(positive, patches - positive) / patches
    negative_name, positive_name = description.class_names
    majority_class = negative_name if 2 * positive <= patches else positive_name
    comparison = (
        f" (full set: {_full_set_positive_share():.1%})" if table["expected"].notna().any() else ""
    )
    ranges = (
        f"; per case the share ranges from {table['share'].min():.0%} to {table['share'].max():.0%}"
        if description.has_cases
        else ""
    )
    by_case = (
        " Because the share of positives depends on the case, a network can learn to recognise the "
        f"case instead of {'the cancer' if description.is_idc_set else 'the class'}: split by "
        "case, not by patch, and train on many cases with high and with low shares."
        if description.has_cases
        else ""
    )
    return (
        f"{positive / patches:.1%} of these patches are {positive_name}{comparison}{ranges}. "
        "A model that "
        f"always answers '{majority_class}' is right for {majority:.1%}, so IDC Lab shows balanced "
        "accuracy: the mean, over both classes, of the share of patches classified correctly."
        f"{by_case}"
    )


def _full_set_positive_share() -> float:
    """The share of IDC-positive patches in the full set, [0, 1]."""
    counts = expected_counts().values()
    return sum(positive for _, positive in counts) / sum(sum(both) for both in counts)
