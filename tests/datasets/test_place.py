import numpy as np
import pytest

from idc.datasets.place import (
    Place,
    find_row,
    neighbour_rows,
    parse_place,
    place_of,
    stitch_neighbourhood,
)
from idc.datasets.store import open_store
from idc.ingest.packing import pack
from idc.patches import PatchName
from tests.support.made_patches import store_of


def name(case, x, y, label=0):
    return PatchName(case=case, y=y, x=x, label=label)


@pytest.fixture
def cross(home):
    """Case 7: a cross around (101, 101); case 9: one patch at the same place."""
    places = [
        (7, 101, 51),
        (7, 51, 101),
        (7, 101, 101),
        (7, 151, 101),
        (7, 101, 151),
        (9, 101, 101),
    ]
    return store_of("cross", [name(*place) for place in places])


def test_place_round_trips_through_a_url():
    assert str(Place(8863, 451, 1451)) == "8863_451_1451"
    assert parse_place("8863_451_1451") == Place(8863, 451, 1451)


@pytest.mark.parametrize(
    "text", ["", "8863_451", "8863_451_1451_0", "8863_-1_1", "8863_451_1451 ", "1_1_" + "9" * 10]
)
def test_malformed_place_is_none(text):
    assert parse_place(text) is None


def test_every_patch_is_found_by_its_place(cross):
    assert [find_row(cross, place_of(cross, row)) for row in range(6)] == [0, 1, 2, 3, 4, 5]
    assert place_of(cross, 5) == Place(9, 101, 101)


@pytest.mark.parametrize(
    "place",
    [
        Place(7, 101, 201),
        Place(7, 1, 101),
        Place(8, 101, 101),
        Place(9, 51, 101),
        Place(0, 0, 0),
        Place(7, 101, -49),
        Place(7, 999_999_999, 101),
        Place(7, 2**40, 101),
    ],
)
def test_place_without_a_patch_gives_none(cross, place):
    assert find_row(cross, place) is None


def test_neighbours_keep_their_positions_and_gaps_are_marked(cross):
    assert neighbour_rows(cross, 2, radius=1).tolist() == [[-1, 0, -1], [1, 2, 3], [-1, 4, -1]]


def test_neighbours_are_of_the_same_case(cross):
    around = neighbour_rows(cross, 5)

    assert around.shape == (5, 5)
    assert (around != -1).sum() == 1
    assert around[2, 2] == 5


def test_gaps_are_transparent_and_patches_are_not(cross):
    picture = stitch_neighbourhood(cross, neighbour_rows(cross, 2, radius=1))

    assert picture.shape == (150, 150, 4)
    assert picture[:50, :50].max() == 0
    assert (picture[50:100, 100:150, 3] == 255).all()
    assert np.array_equal(picture[50:100, 100:150, :3], cross.patches[3])


def test_edge_patch_covers_only_its_original_size(home):
    store = store_of("edge", [name(7, 1, 1), name(7, 51, 1)], sizes=[(50, 50), (50, 20)])

    picture = stitch_neighbourhood(store, np.array([[0, 1]]))

    assert (picture[:, 50:70, 3] == 255).all()
    assert (picture[:, 70:, 3] == 0).all()


@pytest.mark.real
def test_real_patches_are_found_by_their_places(home, real_data):
    pack([real_data / "idc_complete_cases.zip"], "real")
    store = open_store("real")
    rows = range(0, len(store), 17)

    assert [find_row(store, place_of(store, row)) for row in rows] == list(rows)
    # A complete case: the next patch in the table is the right neighbour on the slide.
    middle = int(np.flatnonzero(store.cases == 8867)[800])
    assert neighbour_rows(store, middle)[2, 1:4].tolist() == [middle - 1, middle, middle + 1]
