"""The view of the Dataset page, to and from URL query parameters.

The URL alone holds this state, so a copied link, a refresh and the browser's Back button show the
same. URLs are untrusted input: an invalid value is replaced by the default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from idc.datasets.patch_filter import SORT_KEYS, SPLIT_PARTS, PatchFilters
from idc.datasets.place import Place, parse_place

PAGE_SIZES = (24, 48, 96, 192)
QUERY_KEYS = ("case", "class", "part", "edge", "tissue", "sort", "order", "page", "size", "patch")

_LABELS = {"negative": 0, "positive": 1}
_EDGES = {"only": True, "without": False}
_ORDERS = {"up": False, "down": True}

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class DatasetView:
    """Filters, order, page and opened patch.

    Attributes:
        sort: one of `idc.datasets.patch_filter.SORT_KEYS`.
        descending: None for the sort's default direction.
        page: from 1.
        size: patches per page, one of `PAGE_SIZES`.
        patch: the opened patch.
    """

    filters: PatchFilters = field(default_factory=PatchFilters)
    sort: str = "case"
    descending: bool | None = None
    page: int = 1
    size: int = 48
    patch: Place | None = None

    @property
    def is_descending(self) -> bool:
        """The chosen direction, else the default of the sort."""
        return SORT_KEYS[self.sort].descending if self.descending is None else self.descending

    def with_size(self, size: int) -> "DatasetView":
        """With ``size`` patches per page, on the page that holds the first patch of this page."""
        return replace(self, size=size, page=(self.page - 1) * self.size // size + 1)

    def pages(self, matches: int) -> int:
        """Number of pages; at least 1."""
        return max(1, -(-matches // self.size))

    def shown(self, matches: int) -> slice:
        """The slice of the matches on this page. A page beyond the last is the last."""
        page = min(self.page, self.pages(matches))
        return slice((page - 1) * self.size, page * self.size)


def view_from_query(query: Query) -> DatasetView:
    """The view that a URL encodes.

    Args:
        query: name -> values; names outside `QUERY_KEYS` are ignored.
    """
    one = {name: values[-1] for name, values in query.items() if values}
    filters = PatchFilters(
        cases=_cases(query.get("case", ())),
        label=_LABELS.get(one.get("class", "")),
        part=one["part"] if one.get("part") in SPLIT_PARTS else None,
        edge=_EDGES.get(one.get("edge", "")),
        tissue=_range(one.get("tissue", "")),
    )
    size = _number(one.get("size", ""))
    return DatasetView(
        filters,
        sort=one["sort"] if one.get("sort") in SORT_KEYS else "case",
        descending=_ORDERS.get(one.get("order", "")),
        page=_number(one.get("page", "")) or 1,
        size=size if size in PAGE_SIZES else DatasetView.size,
        patch=parse_place(one.get("patch", "")),
    )


def query_from_view(view: DatasetView) -> dict[str, list[str]]:
    """The query parameters of a view, without defaults. The inverse of `view_from_query`."""
    filters, default = view.filters, DatasetView()
    words: dict[str, list[str]] = {"case": [str(case) for case in filters.cases]}
    if filters.label is not None:
        words["class"] = [_key(_LABELS, filters.label)]
    if filters.part is not None:
        words["part"] = [filters.part]
    if filters.edge is not None:
        words["edge"] = [_key(_EDGES, filters.edge)]
    if filters.by_tissue:
        words["tissue"] = ["{}-{}".format(*filters.tissue)]
    if view.descending is not None and view.descending != SORT_KEYS[view.sort].descending:
        words["order"] = [_key(_ORDERS, view.descending)]
    for name in ("sort", "page", "size", "patch"):
        if getattr(view, name) != getattr(default, name):
            words[name] = [str(getattr(view, name))]
    return {name: values for name, values in words.items() if values}


def _cases(values: Sequence[str]) -> tuple[int, ...]:
    numbers = (_number(value) for value in values)
    return tuple(sorted({number for number in numbers if number is not None}))


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    ends = (_number(low), _number(high))
    if ends[0] is None or ends[1] is None or not ends[0] <= ends[1] <= 100:
        return PatchFilters.tissue
    return ends[0], ends[1]


def _number(text: str) -> int | None:
    """An integer of up to nine digits, which fits every column."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _key(words: Mapping[str, object], value: object) -> str:
    return next(word for word, meaning in words.items() if meaning == value)
