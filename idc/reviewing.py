"""The order in which a reviewer goes through doubtful patches."""

import pandas as pd

from idc.datasets.place import Place

_PLACE = ["case", "x", "y"]


def with_verdicts(doubts: pd.DataFrame, marks: pd.DataFrame, reviewer: str) -> pd.DataFrame:
    """The doubtful patches with a column ``verdict``: the reviewer's own, "" where there is none.

    Args:
        doubts: columns ``case``, ``x``, ``y``, ``label`` and more, in their order.
        marks: as `idc.datasets.label_marks.marks_of` gives them.
    """
    own = marks[marks["reviewer"] == reviewer][[*_PLACE, "label", "verdict"]]
    joined = doubts.astype(dict.fromkeys([*_PLACE, "label"], "int64")).merge(
        own, how="left", on=[*_PLACE, "label"]
    )
    return joined.assign(verdict=joined["verdict"].fillna(""))


def next_open(reviewed: pd.DataFrame, after: Place | None) -> Place | None:
    """The next patch without a verdict, from the one after a place on, round to the beginning.

    Args:
        reviewed: as `with_verdicts` gives it.
        after: where the reviewer is; a place that is not in the table counts as before the first.

    Returns:
        None when all have one.
    """
    places = [Place(*map(int, place)) for place in zip(*(reviewed[c] for c in _PLACE), strict=True)]
    start = places.index(after) + 1 if after in places else 0
    verdicts = reviewed["verdict"].tolist()
    for number in [*range(start, len(places)), *range(start)]:
        if not verdicts[number]:
            return places[number]
    return None
