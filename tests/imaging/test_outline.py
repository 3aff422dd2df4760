"""idc.imaging.outline: the border of set cells, corner by corner."""

import numpy as np

from idc.imaging.outline import cell_outlines


def grid(*rows):
    """Rows of '#' (set) and '.' as cells."""
    return np.array([[sign == "#" for sign in row] for row in rows])


def points(ring):
    """The corners of a ring, from the first in order of (x, y), the way round kept."""
    corners = [tuple(point) for point in ring.tolist()]
    first = corners.index(min(corners))
    return corners[first:] + corners[:first]


def test_one_cell_is_a_square_clockwise_on_screen():
    (area,) = cell_outlines(grid("...", ".#.", "..."))

    assert points(area.exterior) == [(1, 1), (2, 1), (2, 2), (1, 2)]
    assert area.holes == ()


def test_corners_alone_are_kept_along_a_straight_side():
    (area,) = cell_outlines(grid("##", "##", "#."))

    assert points(area.exterior) == [(0, 0), (2, 0), (2, 2), (1, 2), (1, 3), (0, 3)]


def test_hole_runs_the_other_way_and_belongs_to_its_area():
    left, ring = cell_outlines(grid("#.###", "..#.#", "..###"))

    assert left.holes == ()
    assert points(ring.exterior) == [(2, 0), (5, 0), (5, 3), (2, 3)]
    assert [points(hole) for hole in ring.holes] == [[(3, 1), (3, 2), (4, 2), (4, 1)]]


def test_cells_that_touch_at_a_corner_are_two_areas():
    areas = cell_outlines(grid("#.", ".#"))

    assert [points(area.exterior) for area in areas] == [
        [(0, 0), (1, 0), (1, 1), (0, 1)],
        [(1, 1), (2, 1), (2, 2), (1, 2)],
    ]


def test_two_holes_that_touch_at_a_corner_stay_within_one_area():
    (area,) = cell_outlines(grid("####", "#.##", "##.#", "####"))

    assert points(area.exterior) == [(0, 0), (4, 0), (4, 4), (0, 4)]
    covered = sum(abs(_area(ring)) for ring in area.holes)
    assert covered == 2
    assert all(_area(ring) < 0 for ring in area.holes)


def test_area_inside_a_hole_is_one_of_its_own():
    outer, inner = cell_outlines(grid("#####", "#...#", "#.#.#", "#...#", "#####"))

    assert len(outer.holes) == 1
    assert points(inner.exterior) == [(2, 2), (3, 2), (3, 3), (2, 3)]


def test_no_cells_have_no_outline():
    assert cell_outlines(grid("..", "..")) == []


def _area(ring):
    """Positive when clockwise on screen."""
    x, y = ring.T
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
