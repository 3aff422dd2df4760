"""idc.datasets.signatures: perceptual hashes, and pairs of similar patches."""

import cv2
import numpy as np
import pytest
from scipy.fft import dctn

from idc.datasets.signatures import (
    MAX_HAMMING_DISTANCE,
    MIN_CONTRAST,
    compute_signatures,
    grey_levels,
    low_frequency_correlation,
    perceptual_hashes,
    similar_pairs,
)
from tests.support.made_tissue import smooth_patches


def hash_of(patches):
    return perceptual_hashes(grey_levels(patches))


def flipped(value, *bits):
    return np.uint64(int(value) ^ sum(1 << int(bit) for bit in bits))


def test_hash_bits_mark_low_frequencies_above_the_median():
    [patch] = smooth_patches(0)
    low = dctn(grey_levels(patch[None])[0], norm="ortho")[:8, :8].ravel()

    bits = low > np.median(low[1:])

    [value] = hash_of(patch[None])
    assert f"{int(value):064b}" == "".join("1" if bit else "0" for bit in bits)


def test_equal_pixels_share_a_content_id():
    one, other = smooth_patches(1, 2)

    signed = compute_signatures(np.stack([one, other, one]), np.array([0, 1, 2]))

    assert signed.content_ids.tolist() == [0, 1, 0]


def test_signatures_cover_the_given_rows_and_report_progress():
    patches, progress = smooth_patches(2, 5), []

    signed = compute_signatures(
        patches, np.array([4, 0]), on_progress=lambda *at: progress.append(at)
    )

    assert signed.hashes.tolist() == hash_of(patches[[4, 0]]).tolist()
    assert progress == [(2, 2)]


def test_patches_of_one_colour_are_near_uniform():
    patches = np.stack([np.full((50, 50, 3), 240, np.uint8), smooth_patches(3)[0]])
    patches[0, :5, :5] -= 5  # a speck

    signed = compute_signatures(patches, np.arange(2))

    assert signed.near_uniform.tolist() == [True, False]
    assert signed.contrast[0] < MIN_CONTRAST < signed.contrast[1]


def test_no_patches_have_no_signatures():
    signed = compute_signatures(np.empty((0, 50, 50, 3), np.uint8), np.empty(0, np.int64))

    assert len(signed.content_ids) == len(signed.hashes) == len(signed.contrast) == 0
    assert similar_pairs(signed.hashes, signed.content_ids).shape == (0, 2)


@pytest.mark.parametrize("seed", range(5))
def test_copies_have_similar_hashes_and_other_patches_do_not(seed):
    [patch], [stranger] = smooth_patches(seed), smooth_patches(100 + seed)
    _, jpeg = cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, 80])
    smaller = cv2.resize(patch, (40, 40), interpolation=cv2.INTER_AREA)
    copies = np.stack(
        [
            cv2.imdecode(jpeg, cv2.IMREAD_COLOR),
            cv2.resize(smaller, (50, 50)),
            (patch * 0.8).astype(np.uint8),
        ]
    )

    bits = np.bitwise_count(hash_of(copies) ^ hash_of(patch[None]))

    assert (bits <= MAX_HAMMING_DISTANCE).all()
    assert (
        np.bitwise_count(hash_of(stranger[None]) ^ hash_of(patch[None]))[0]
        > 2 * MAX_HAMMING_DISTANCE
    )


def test_correlation_ignores_brightness_and_is_low_for_other_patches():
    patch, stranger = smooth_patches(0), smooth_patches(1)
    darker = (patch * 0.5).astype(np.uint8)

    assert low_frequency_correlation(patch, darker)[0] > 0.99
    assert abs(low_frequency_correlation(patch, stranger)[0]) < 0.5
    assert low_frequency_correlation(patch, np.full_like(patch, 200))[0] == 0


def test_pairs_within_six_bits_are_found_across_groups_only():
    value = np.uint64(0x0123456789ABCDEF)
    hashes = np.array(
        [value, flipped(value, 0, 9, 18, 27, 36, 45), flipped(value, *range(7)), value]
    )

    assert similar_pairs(hashes, np.array([0, 1, 1, 0])).tolist() == [[0, 1], [1, 3]]


def test_banding_equals_a_comparison_of_all_pairs():
    rng = np.random.default_rng(4)
    seeds = rng.integers(0, 2**64, 40, dtype=np.uint64)
    hashes = np.array(
        [
            flipped(seed, *rng.choice(64, rng.integers(0, 10), replace=False))
            for seed in np.repeat(seeds, 12)
        ]
    )
    group = rng.integers(0, 3, len(hashes))

    near = np.bitwise_count(hashes[:, None] ^ hashes[None, :]) <= MAX_HAMMING_DISTANCE
    across = group[:, None] != group[None, :]
    expected = np.argwhere(np.triu(near & across, 1))

    assert len(expected) > 100
    assert similar_pairs(hashes, group).tolist() == expected.tolist()
