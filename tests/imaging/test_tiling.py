import numpy as np
import pytest

from idc.imaging.tiling import Tiling, cut_tiles

NAN = np.nan


def test_a_region_of_whole_patches():
    tiling = Tiling(100, 150)

    assert tiling.x_edges.tolist() == [0, 50, 100]
    assert tiling.lefts.tolist() == [0, 50]
    assert tiling.y_edges.tolist() == [0, 50, 100, 150]
    assert tiling.tops.tolist() == [0, 50, 100]


def test_the_last_tile_moves_inwards_and_its_cell_is_the_rest():
    tiling = Tiling(130, 51)

    assert tiling.x_edges.tolist() == [0, 50, 100, 130]
    assert tiling.lefts.tolist() == [0, 50, 80]
    assert tiling.y_edges.tolist() == [0, 50, 51]
    assert tiling.tops.tolist() == [0, 1]


def test_overlapping_tiles_begin_every_25_px():
    tiling = Tiling(130, 50, 25)

    assert tiling.x_edges.tolist() == [0, 25, 50, 75, 100, 125, 130]
    assert tiling.lefts.tolist() == [0, 25, 50, 75, 80]
    assert tiling.tops.tolist() == [0]
    assert tiling.y_edges.tolist() == [0, 25, 50]


@pytest.mark.parametrize("stride", [50, 25])
@pytest.mark.parametrize("width", [50, 51, 74, 75, 76, 99, 100, 101, 124, 125, 126])
def test_every_cell_lies_within_each_tile_that_counts_for_it(width, stride):
    tiling = Tiling(width, width, stride)
    covered = np.zeros(len(tiling.x_edges) - 1, int)
    for tile, left in enumerate(tiling.lefts):
        for cell in range(tile, tile + 50 // stride):
            assert left <= tiling.x_edges[cell]
            assert tiling.x_edges[cell + 1] <= left + 50
            covered[cell] += 1

    assert covered.min() >= 1
    assert tiling.lefts[-1] + 50 == width


def test_without_overlap_a_cells_mean_is_its_tiles_answer():
    tiles = np.array([[0.25, NAN], [0.5, 1.0]], np.float32)

    np.testing.assert_array_equal(Tiling(100, 100).cell_means(tiles), tiles)


def test_overlapping_tiles_are_averaged_per_cell():
    tiles = np.array([[0.0, 1.0], [0.5, NAN]], np.float32)
    expected = [[0.0, 0.5, 1.0], [0.25, 0.5, 1.0], [0.5, 0.5, NAN]]

    np.testing.assert_allclose(Tiling(75, 75, 25).cell_means(tiles), expected)


def test_only_tiles_that_cover_a_wanted_cell_are_asked():
    cells = np.zeros((3, 3), bool)
    cells[0, 0] = True
    tiling = Tiling(75, 75, 25)
    assert tiling.tiles_covering(cells).tolist() == [[True, False], [False, False]]

    cells[:] = False
    cells[1, 2] = True
    assert tiling.tiles_covering(cells).tolist() == [[False, True], [False, True]]


def test_opened_tile_starts_at_the_cell_or_is_the_last():
    tiling = Tiling(75, 75, 25)

    assert [tiling.tile_of(0, 0), tiling.tile_of(2, 1), tiling.tile_of(2, 2)] == [
        (0, 0),
        (1, 1),
        (1, 1),
    ]


def test_tiles_are_cut_where_they_lie():
    rgb = np.arange(60 * 70 * 3, dtype=np.uint32).astype(np.uint8).reshape(60, 70, 3)
    tiles = cut_tiles(rgb, np.array([0, 10]), np.array([20, 5]))

    np.testing.assert_array_equal(tiles[0], rgb[:50, 20:70])
    np.testing.assert_array_equal(tiles[1], rgb[10:60, 5:55])


@pytest.mark.parametrize(("width", "stride"), [(49, 50), (100, 30)])
def test_what_cannot_be_tiled_is_a_bug(width, stride):
    with pytest.raises(ValueError, match="Received"):
        Tiling(width, 100, stride)
