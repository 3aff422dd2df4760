import pytest

from idc.large_images.whole_slide import WholeSlide
from idc.uploads.gate import decode_image, image_header
from idc.uploads.resolution import Scale, scale_of_tiff
from tests.support.tiff_files.scales import ome_text, scaled_tiff

APERIO = "Aperio Image Library v11\r\n600x400 (240x240) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5000"


@pytest.mark.parametrize(
    ("stated", "mpp_um"),
    [
        (ome_text("0.5"), 0.5),
        (ome_text("0.5", unit="µm"), 0.5),
        (ome_text("0.5", unit="\u03bcm"), 0.5),
        (ome_text("250", unit="nm"), 0.25),
        (ome_text("0.001", unit="mm"), 1.0),
        (ome_text("0.0001", unit="cm"), 1.0),
        (ome_text("1e-6", unit="m"), 1.0),
        (ome_text("5000", unit="Å"), 0.5),
        (ome_text("0.00002", unit="in"), 0.508),
        (ome_text("0.5", down=None), 0.5),
        (APERIO, 0.5),
        ("Scanner X;MPP=0,25;", 0.25),
        ("MPP = 0.25", 0.25),
    ],
)
def test_description_states_the_scale(stated, mpp_um):
    assert scale_of_tiff(description=stated) == Scale(pytest.approx(mpp_um), "")


@pytest.mark.parametrize(
    "stated",
    [
        ome_text("1", unit="pixel"),
        ome_text("1", unit="reference frame"),
        ome_text("1", unit="cubit"),
        ome_text(None, down=None),
        ome_text("nan"),
        ome_text("-0.5"),
        ome_text("0.5")[:-9],  # cut off
        "<OME/>",
        "xMPP = 0.5",
        "MPP = unknown",
        "MPP = 1e999",
        None,
        7,
    ],
)
def test_description_without_a_length_states_no_scale(stated):
    assert scale_of_tiff(description=stated) == Scale()


@pytest.mark.parametrize(
    ("name", "pixels_per_unit", "mpp_um"),
    [
        ("micron", 2, 0.5),
        ("\\u00B5m", 4, 0.25),
        ("µm", 4, 0.25),
        ("um", 4, 0.25),
        ("nm", 0.004, 0.25),
        ("mm", 2_000, 0.5),
        ("cm", 20_000, 0.5),
        ("inch", 25_400, 1.0),
    ],
)
def test_imagej_unit_gives_the_resolution_tags_meaning(name, pixels_per_unit, mpp_um):
    about = f"ImageJ=1.54f\nimages=1\nunit={name}\nloop=false\n"
    scale = scale_of_tiff(
        description=about, x_resolution=pixels_per_unit, y_resolution=pixels_per_unit, unit=1
    )
    assert scale == Scale(pytest.approx(mpp_um), "")


def test_imagej_unit_of_pixels_leaves_the_tags_alone():
    about = "ImageJ=1.54f\nunit=pixel\n"
    assert scale_of_tiff(description=about, x_resolution=2, y_resolution=2, unit=1) == Scale()


def test_image_of_the_pages_size_is_chosen_in_an_ome_header():
    label = ome_text("9", size=(50, 50)).removesuffix("</OME>")
    slide = ome_text("0.5", size=(600, 400)).partition("<Image")[2]
    assert scale_of_tiff(description=f"{label}<Image{slide}", size=(600, 400)).mpp_um == 0.5


def test_statements_within_two_percent_are_no_conflict():
    scale = scale_of_tiff(description=APERIO, x_resolution=20_300, y_resolution=20_300, unit=3)
    assert scale == Scale(0.5, "")


def test_conflict_names_what_is_used_and_what_the_other_says():
    scale = scale_of_tiff(
        description=ome_text("0.5"), x_resolution=(40_000, 1), y_resolution=(40_000, 1), unit=3
    )
    assert scale == Scale(
        0.5,
        "The OME metadata state 0.5 um per pixel, the resolution tags 0.25; "
        "the first is used unless you choose another.",
    )


def test_print_resolution_is_no_conflict():
    scale = scale_of_tiff(description=APERIO, x_resolution=300, y_resolution=300, unit=2)
    assert scale == Scale(0.5, "")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            ome_text("0.5", down="0.25"),
            "The OME metadata state pixels of 0.5 x 0.25 um, which are not square and give no "
            "scale.",
        ),
        ("MPP = 40", "The MPP values state 40 um per pixel, outside 0.05 to 16, which is ignored."),
    ],
)
def test_unusable_statement_is_named(text, note):
    assert scale_of_tiff(description=text) == Scale(None, note)


def test_gate_returns_the_stated_scale_and_the_conflict():
    assert image_header(scaled_tiff(ome_text("250", unit="nm"))).mpp_um == 0.25
    both = decode_image(scaled_tiff(APERIO, pixels_per_cm=40_000))
    assert both.mpp_um == 0.5
    assert both.scale_note == both.notes[0]
    assert both.scale_note.startswith("The MPP values state 0.5 um per pixel, the resolution tags ")


def test_slide_states_what_openslide_does_not_read(tmp_path):
    path = tmp_path / "s.ome.tif"
    path.write_bytes(scaled_tiff(ome_text("0.5"), pixels_per_cm=40_000, tile=(64, 64)))
    with WholeSlide(path) as slide:
        assert slide.mpp_um == 0.5
        assert slide.scale_note == (
            "The OME metadata state 0.5 um per pixel, the resolution tags 0.25; "
            "the first is used unless you choose another."
        )
