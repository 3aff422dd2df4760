import cv2
import numpy as np
import pytest

from idc.imaging.polygon_cells import GridPolygons, TooIntricate

GRID = np.arange(6.0)  # points at 0, 1, ..., 5 in both directions


def ring(*points):
    return np.array(points, np.float64)


def box(x, y, right, bottom):
    return ring((x, y), (right, y), (right, bottom), (x, bottom))


def inside(*rings, x=GRID, y=GRID):
    """The points inside as a picture: a row of the grid a line."""
    mask = np.zeros((len(y), len(x)), bool)
    mask.flat[GridPolygons(x, y).inside(rings)] = True
    return ["".join(".#"[int(point)] for point in row) for row in mask]


def test_point_on_left_or_upper_edge_is_inside():
    assert inside(box(1, 2, 3, 4)) == ["......", "......", ".##...", ".##...", "......", "......"]


def test_hole_is_outside():
    assert inside(box(-1, -1, 9, 9), box(2, 2, 4, 4)) == [
        "######",
        "######",
        "##..##",
        "##..##",
        "######",
        "######",
    ]


def test_ring_within_a_hole_is_inside_again():
    assert inside(box(0, 0, 6, 6), box(1, 1, 5, 5), box(2, 2, 4, 4))[2] == "#.##.#"


def test_direction_and_closing_of_a_ring_do_not_matter():
    square = box(1, 1, 4, 4)

    assert inside(square) == inside(square[::-1]) == inside(np.vstack([square, square[:1]]))


def test_self_crossing_ring_follows_the_even_odd_rule():
    bow_tie = ring((0.5, 0.5), (4.5, 4.5), (4.5, 0.5), (0.5, 4.5))

    assert inside(bow_tie) == ["......", "....#.", ".#.##.", ".#.##.", "....#.", "......"]


def test_polygons_that_share_an_edge_contain_each_point_once():
    x = y = np.linspace(0, 1, 101)
    corners = box(0, 0, 1, 1)
    centre = (1 / 3, 2 / 7)
    grid = GridPolygons(x[:-1], y[:-1])
    triangles = [
        grid.inside([ring(corners[i], corners[(i + 1) % 4], centre)[:: (-1) ** i]])
        for i in range(4)
    ]

    assert np.sort(np.concatenate(triangles)).tolist() == list(range(10_000))


def test_polygon_beyond_the_grid_contains_what_it_covers():
    assert inside(box(-1e9, -1e9, 2, 1e9)) == ["##...."] * 6
    assert inside(box(10, 10, 20, 20)) == ["......"] * 6


def test_ring_without_area_contains_nothing():
    assert inside(ring((1, 1), (4, 1), (2, 1))) == ["......"] * 6
    assert inside(ring((2, 2), (2, 2), (2, 2))) == ["......"] * 6


def test_points_agree_with_opencv_on_a_random_star():
    random = np.random.default_rng(0)
    angle = np.sort(random.uniform(0, 2 * np.pi, 200))
    radius = random.uniform(10, 50, 200)
    star = np.stack([55 + radius * np.cos(angle), 52 + radius * np.sin(angle)], axis=1)
    star = np.round(star * 8) / 8 + 1 / 16  # no corner on a point of the grid; exact as float32
    x, y = np.arange(110.0), np.arange(90.0)
    contour = star.astype(np.float32)
    expected = [
        row * len(x) + column
        for row in range(len(y))
        for column in range(len(x))
        if cv2.pointPolygonTest(contour, (float(column), float(row)), False) > 0
    ]

    assert GridPolygons(x, y).inside([star]).tolist() == expected


def test_crossings_beyond_one_chunk_are_all_counted(monkeypatch):
    whole = inside(box(0, 0, 6, 6), box(1, 1, 5, 5))
    monkeypatch.setattr("idc.imaging.polygon_cells._CHUNK", 5)

    assert inside(box(0, 0, 6, 6), box(1, 1, 5, 5)) == whole


def test_work_beyond_the_limit_is_refused():
    grid = GridPolygons(GRID, GRID, max_work=300)  # a full box: 36 points and 12 crossings of 20
    grid.inside([box(-1, -1, 9, 9)])

    with pytest.raises(TooIntricate):
        grid.inside([box(-1, -1, 9, 9)])
