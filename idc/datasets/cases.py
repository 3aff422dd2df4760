"""A data set case by case: how many patches of each class, and how many there should be."""

import pandas as pd

from idc.datasets.full_set import expected_counts


def case_counts(index: pd.DataFrame) -> pd.DataFrame:
    """Count each case's patches.

    Args:
        index: columns ``case`` and ``label`` (0/1), one row a patch.

    Returns:
        One row a case, in order of the case: ``case``, ``patches``, ``negative``, ``positive``,
        ``share`` (of IDC-positive patches, [0, 1]), ``expected`` (patches of the case in the full
        set; nan for a case that is not in it).
    """
    counted = index["label"].groupby(index["case"]).agg(patches="size", positive="sum")
    table = counted.astype("int64").reset_index()
    table["negative"] = table["patches"] - table["positive"]
    table["share"] = table["positive"] / table["patches"]
    full = {case: float(sum(counts)) for case, counts in expected_counts().items()}
    table["expected"] = table["case"].map(full)
    return table[["case", "patches", "negative", "positive", "share", "expected"]]


def imbalance_note(table: pd.DataFrame) -> str:
    """What the shares of a `case_counts` mean for training, in a few sentences.

    Undefined for no case at all.
    """
    positive, patches = int(table["positive"].sum()), int(table["patches"].sum())
    majority = max(positive, patches - positive) / patches
    majority_class = "IDC-negative" if 2 * positive <= patches else "IDC-positive"
    known = (
        f" (of the full set {_full_set_positive_share():.1%})"
        if table["expected"].notna().any()
        else ""
    )
    return (
        f"Of these patches {positive / patches:.1%} are IDC-positive{known}; in single cases it is "
        f"{table['share'].min():.0%} to {table['share'].max():.0%}. Always answering "
        f"'{majority_class}' "
        f"would already be right for {majority:.1%}: that is why IDC Lab shows balanced accuracy, "
        "the mean of how many patches of each class are recognised. And as the share follows the "
        "case, a network can learn to recognise a case instead of the cancer: split by case, never "
        "by patch, and let many cases of either kind train."
    )


def _full_set_positive_share() -> float:
    """The IDC-positive share of the full set."""
    counts = expected_counts().values()
    return sum(positive for _, positive in counts) / sum(sum(both) for both in counts)
