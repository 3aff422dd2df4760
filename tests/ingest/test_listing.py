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


def test_patches_in_a_folder_of_the_other_label_are_counted_once():
    first = Names(
        "8863/1/10_idx5_x1_y1_class0.png",  # the folder states 1
        "8863/0/10_idx5_x1_y51_class1.png",  # the folder states 0
        "8863/1/deeper/10_idx5_x1_y101_class1.png",
        "1/1_idx5_x1_y1_class0.png",  # the folder of case 1
        "10_idx5_x1_y151_class0.png",
    )
    copy = Names("again/1/10_idx5_x1_y1_class0.png")

    listing = list_patches([first, copy])

    assert listing.conflicts == 2
    assert listing.conflict_note() == (
        "Folder and file name state different labels for 2 files; the label of the file name is "
        "used."
    )


def test_source_named_as_a_class_states_a_label():
    flat = Names("9_idx5_x1_y1_class0.png")

    assert list_patches([flat], ["Class_1"]).conflicts == 1
    assert list_patches([flat], ["class0"]).conflicts == 0
    assert list_patches([flat]).conflict_note() == ""
