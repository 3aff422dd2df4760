from dataclasses import replace

import pytest

from idc.datasets.patch_filter import PatchFilters
from idc.datasets.patch_filter_url import DatasetView, query_from_view, view_from_query
from idc.datasets.place import Place

EVERYTHING = DatasetView(
    PatchFilters(cases=(8863, 10253), label=1, part="test", edge=False, tissue=(20, 95)),
    sort="error",
    descending=False,
    page=17,
    size=96,
    patch=Place(8863, 451, 1451),
)
WORDS = {
    "case": ["8863", "10253"],
    "class": ["positive"],
    "part": ["test"],
    "edge": ["without"],
    "tissue": ["20-95"],
    "sort": ["error"],
    "order": ["up"],
    "page": ["17"],
    "size": ["96"],
    "patch": ["8863_451_1451"],
}


def test_view_is_written_as_readable_parameters():
    assert query_from_view(EVERYTHING) == WORDS


def test_view_round_trips_through_a_url():
    assert view_from_query(WORDS) == EVERYTHING


def test_defaults_are_not_written():
    assert query_from_view(DatasetView()) == {}
    assert view_from_query({}) == DatasetView()


def test_default_direction_of_a_sort_is_not_written():
    assert query_from_view(DatasetView(sort="stain", descending=True)) == {"sort": ["stain"]}
    assert query_from_view(DatasetView(sort="stain", descending=False)) == {
        "sort": ["stain"],
        "order": ["up"],
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("case", ["x"]),
        ("case", ["-1"]),
        ("case", ["12345678901"]),
        ("case", ["٣"]),
        ("case", []),
        ("class", ["2"]),
        ("part", ["all"]),
        ("edge", ["yes"]),
        ("tissue", ["90-10"]),
        ("tissue", ["0-101"]),
        ("tissue", ["20"]),
        ("tissue", ["a-b"]),
        ("sort", ["x; drop"]),
        ("order", ["sideways"]),
        ("page", ["0"]),
        ("page", ["-3"]),
        ("page", ["1.5"]),
        ("size", ["10000"]),
        ("size", [""]),
        ("patch", ["8863"]),
        ("patch", ["8863_1_1; x"]),
        ("other", ["1"]),
    ],
)
def test_invalid_value_gives_the_default(name, values):
    assert view_from_query({name: values}) == DatasetView()


def test_valid_values_are_used_despite_an_invalid_one():
    view = view_from_query({"case": ["8865", "x", "8863", "8865"], "class": ["both", "negative"]})

    assert view.filters == PatchFilters(cases=(8863, 8865), label=0)


def test_page_beyond_the_last_is_the_last():
    view = DatasetView(page=99, size=48)

    assert view.pages(100) == 3
    assert view.shown(100) == slice(96, 144)
    assert view.shown(0) == slice(0, 48)
    assert view.pages(0) == 1


@pytest.mark.parametrize(("page", "size", "expected"), [(1, 96, 1), (5, 24, 9), (5, 96, 3)])
def test_new_page_size_keeps_the_first_patch_visible(page, size, expected):
    assert DatasetView(page=page, size=48).with_size(size).page == expected


def test_sort_without_a_direction_uses_its_default():
    assert DatasetView(sort="doubt").is_descending
    assert not DatasetView(sort="case").is_descending
    assert not replace(DatasetView(sort="doubt"), descending=False).is_descending
