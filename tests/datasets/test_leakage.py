"""idc.datasets.leakage: splits with planted copies, neighbours and shared cases."""

import cv2
import numpy as np
import pandas as pd
import pytest

from idc.datasets.leakage import adjacent_pairs, check_leakage, near_uniform_note
from idc.datasets.splits import Split, make_split
from idc.datasets.store import PackReport, open_store
from idc.datasets.store_writer import Patch, StoreWriter
from idc.ingest.packing import pack
from idc.patches import PatchName
from tests.support.made_tissue import smooth_patches

PAIRS = ["train – validation", "train – test", "validation – test"]


def packed(*patches):
    """A store of (case, x, y, pixels), in this order."""
    with StoreWriter("made", len(patches)) as writer:
        writer.add(
            [
                Patch(PatchName(case=case, x=x, y=y, label=0), pixels)
                for case, x, y, pixels in patches
            ]
        )
        writer.finish(PackReport(sources=("made by hand",)))
    return open_store("made")


def split(train, validation, test):
    return Split("random", 0, *(np.array(rows, np.int64) for rows in (train, validation, test)))


def far_apart(*pictures):
    """Patches of cases 1, 2, ..., so that none touch."""
    return packed(*((case, 1, 1, picture) for case, picture in enumerate(pictures, 1)))


def counts(report, row):
    return report.table().loc[row, PAIRS].tolist()


def jpeg(patch):
    return cv2.imdecode(cv2.imencode(".jpg", patch)[1], cv2.IMREAD_COLOR)


def test_cases_in_two_parts_are_counted(home):
    store = packed(
        *((case, x, 1, smooth_patches(case * 1000 + x)[0]) for case in (1, 2) for x in (1, 501))
    )

    report = check_leakage(store, split([0, 2], [1], [3]))

    assert counts(report, "Shared cases") == [1, 1, 0]
    assert report.sentences() == [
        "The training part shares cases with validation and test; no held-out patch has a copy or "
        "a neighbour in the training part."
    ]


def test_leakage_between_validation_and_test_has_its_own_sentence(home):
    one, two = smooth_patches(0, 2)
    store = far_apart(one, two, two)

    report = check_leakage(store, split([0], [1], [2]))

    assert report.leaks
    assert report.sentences() == [
        "Validation and test share cases, copies or neighbours; no held-out patch has a copy or a "
        "neighbour in the training part."
    ]


def test_identical_patch_in_two_parts_is_found(home):
    one, two, three = smooth_patches(0, 3)
    store = far_apart(one, two, three, one)

    report = check_leakage(store, split([0], [1, 2], [3]))

    assert counts(report, "Identical patches") == [0, 1, 0]
    assert counts(report, "Nearly identical patches") == [0, 0, 0]
    assert report.findings["identical"].pairs.tolist() == [[0, 3]]
    assert report.sentences() == [
        "1 of 1 test patches (100.0%) have the same pixels as a training patch."
    ]


def test_recompressed_copy_is_nearly_identical(home):
    one, two, three = smooth_patches(0, 3)
    store = far_apart(one, two, three, jpeg(two))

    report = check_leakage(store, split([3, 0], [1], [2]))

    assert counts(report, "Identical patches") == [0, 0, 0]
    assert counts(report, "Nearly identical patches") == [1, 0, 0]
    assert report.findings["similar"].pairs.tolist() == [[3, 1]]  # the training one first


def test_copies_within_a_part_are_no_leakage(home):
    one, two = smooth_patches(0, 2)
    store = far_apart(one, one, jpeg(one), two)

    report = check_leakage(store, split([0, 1, 2], [], [3]))

    assert not report.leaks
    assert report.sentences() == [
        "No case is in two parts, and no patch has a copy or a neighbour in another part."
    ]


def test_many_copies_of_one_patch_count_once_per_pair_of_parts(home):
    [one] = smooth_patches(0)
    store = far_apart(one, one, one, one)

    report = check_leakage(store, split([0, 1], [2, 3], []))

    assert counts(report, "Identical patches") == [1, 0, 0]
    assert report.findings["identical"].touched["validation"] == 2


def test_each_scored_copy_of_a_training_patch_is_counted(home):
    one, two, three = smooth_patches(0, 3)
    store = far_apart(one, two, one, one, one, jpeg(two), jpeg(two), three)

    report = check_leakage(store, split([0, 1], [7], [2, 3, 4, 5, 6]))

    assert report.sentences() == [
        "3 of 5 test patches (60.0%) have the same pixels as a training patch.",
        "2 of 5 test patches (40.0%) are nearly identical to a training patch.",
    ]


def test_near_uniform_patches_are_counted_separately_from_copies(home):
    glass, [one] = np.full((50, 50, 3), 242, np.uint8), smooth_patches(0)
    store = far_apart(glass, glass, one, np.full((50, 50, 3), 10, np.uint8))

    report = check_leakage(store, split([0, 3], [1], [2]))

    assert not report.leaks
    assert (report.near_uniform, report.uniform_copies) == (3, 2)
    assert near_uniform_note(report) == (
        "3 patches have nearly one colour (standard deviation of the grey levels below 5): glass "
        "or blank edges look alike without being copies, so the search for copies skips them; 2 "
        "of them share their pixels with a patch of another part."
    )


# Neighbours: a block of 3x3 patches of case 1, and one of case 2 at the same place


@pytest.fixture
def block():
    places = [(1, x, y) for y in (1, 51, 101) for x in (1, 51, 101)] + [(2, 51, 51)]
    return pd.DataFrame(places, columns=["case", "x", "y"])


def test_inner_patch_touches_eight_patches_of_its_case(block):
    part = np.zeros(10, int)
    part[[4, 9]] = 2

    pairs = adjacent_pairs(block, part, 50)

    assert sorted(map(sorted, pairs.tolist())) == sorted(sorted([4, n]) for n in range(9) if n != 4)


def test_neighbours_in_one_part_or_further_apart_do_not_count(block):
    apart = block.iloc[[0, 2, 6, 8]]

    assert adjacent_pairs(block, np.zeros(10, int), 50).shape == (0, 2)
    assert adjacent_pairs(apart, np.arange(4), 50).shape == (0, 2)


def test_neighbours_of_training_patches_are_counted(home):
    store = packed(*((1, 1 + 50 * n, 1, smooth_patches(n)[0]) for n in range(5)))

    report = check_leakage(store, split([0, 2], [1], [3, 4]))

    assert counts(report, "Neighbours on the slide") == [2, 1, 0]
    assert report.findings["adjacent"].touched["validation"] == 1
    assert report.findings["adjacent"].touched["test"] == 1
    assert "1 of 2 test patches (50.0%) touch a training patch on the slide." in report.sentences()
    found = report.findings["adjacent"]
    assert found.pairs[found.examples(9)].tolist() == [[0, 1], [2, 3], [2, 1]]
    assert len(found.examples(2)) == 2


def test_empty_part_and_unused_rows_are_ignored(home):
    store = packed(*((1, 1 + 50 * n, 1, smooth_patches(n)[0]) for n in range(5)))

    report = check_leakage(store, split([0], [2], []))

    assert not report.findings["adjacent"].pairs.size
    assert report.sizes == {"train": 1, "validation": 1, "test": 0}


def test_json_names_the_parts(home):
    store = packed(*((1, 1 + 50 * n, 1, smooth_patches(n)[0]) for n in range(3)))

    report = check_leakage(store, split([0], [1], [2])).to_json()

    assert report["adjacent"] == {"train-validation": 1, "train-test": 0, "validation-test": 1}
    assert report["touched_by_training"]["adjacent"] == {"validation": 1, "test": 0}
    assert report["leaks"] is True


# Real patches


@pytest.mark.real
@pytest.mark.slow
def test_only_the_random_split_of_real_slides_has_neighbours(home, real_data):
    pack([real_data / "idc_complete_cases.zip"], "real")
    store = open_store("real")

    random = check_leakage(store, make_split(store.index, "random"))
    by_case = check_leakage(store, make_split(store.index, "case-disjoint"))

    assert sum(random.findings["adjacent"].counts().values()) > 5_000
    assert random.findings["adjacent"].touched["test"] > 0.95 * random.sizes["test"]
    assert not by_case.leaks
