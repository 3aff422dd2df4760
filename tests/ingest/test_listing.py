from idc.ingest.listing import list_patches


class Names:
    """A source with names only."""

    def __init__(self, *names):
        self._names = names

    def names(self):
        return iter(self._names)


def test_listing_is_sorted_and_holds_all_copies():
    first = Names("8863/1/10_idx5_x1_y51_class1.png", "readme.txt", "10_idx5_x51_y1_class0.png")
    second = Names("again/10_idx5_x1_y51_class1.png", "9_idx5_x1_y1_class0.PNG")

    listing = list_patches([first, second])

    assert listing.names.tolist() == [[9, 1, 1, 0], [10, 1, 51, 0], [10, 51, 1, 1]]
    assert listing.starts.tolist() == [0, 1, 2, 4]
    assert listing.copies.tolist() == [[1, 1], [0, 2], [0, 0], [1, 0]]
    assert (len(listing), listing.second_copies, listing.foreign) == (3, 1, 1)


def test_empty_source_gives_an_empty_listing():
    listing = list_patches([Names("a.txt")])

    assert (len(listing), listing.second_copies, listing.foreign) == (0, 0, 1)
    assert listing.starts.tolist() == [0]
