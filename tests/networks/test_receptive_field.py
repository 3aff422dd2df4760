from idc.networks.receptive_field import merge_spans, patch_spans, spans_after_window, window_stops


def test_window_of_three_spans_neighbours_without_padding():
    spans = spans_after_window(patch_spans(50), 3, 1, "same")

    assert len(spans) == 50
    assert (spans[0], spans[1], spans[49]) == ((0, 1), (0, 2), (48, 49))


def test_strided_window_follows_tensorflow_padding():
    # 25 stops of a window of 4: 24 * 2 + 4 - 50 = 2 places of padding, one of them before
    assert window_stops(50, 4, 2, "same") == (25, 1)
    spans = spans_after_window(patch_spans(50), 4, 2, "same")

    assert (spans[0], spans[1], spans[24]) == ((0, 2), (1, 4), (47, 49))


def test_valid_padding_drops_the_incomplete_window():
    below = spans_after_window(patch_spans(50), 2, 2, "valid")  # 25 places
    spans = spans_after_window(below, 2, 2, "valid")

    assert len(spans) == 12
    assert (spans[0], spans[11]) == ((0, 3), (44, 47))


def test_merged_branches_have_the_wider_span():
    wide = spans_after_window(patch_spans(50), 5, 1, "same")

    assert merge_spans(patch_spans(50), wide)[10] == (8, 12)
