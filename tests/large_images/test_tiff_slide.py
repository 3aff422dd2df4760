import numpy as np
import pytest
import tifffile

from idc.errors import SlideError
from idc.large_images import tiff_slide
from idc.large_images.whole_slide import WholeSlide
from tests.support.tiff_files.scales import ome_text

RGB = np.random.default_rng(0).integers(0, 256, (200, 330, 3), np.uint8)
GREY = {"photometric": "minisblack", "planarconfig": "contig"}
SMALL = np.full((50, 82, 3), (10, 200, 30), np.uint8)  # another picture: shows which level is read
CMYK = np.zeros((64, 64, 4), np.uint8)


def write_levels(path, levels, *, subifds=False, ome="", bigtiff=False, byteorder="<", **options):
    options = {"tile": (64, 64), "photometric": "rgb", "metadata": None} | options
    with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
        count = len(levels) - 1
        for number, pixels in enumerate(levels):
            file.write(
                pixels,
                subifds=count if subifds and number == 0 else None,
                subfiletype=int(number > 0),
                description=ome.encode() if ome and number == 0 else None,
                **options,
            )
    return path


def whole(path):
    with WholeSlide(path) as slide:
        return slide.read(0, 0, (slide.width, slide.height), 1.0)


@pytest.mark.parametrize("compression", ["jpeg2000", "webp", "deflate", "zstd", "lzma", None])
def test_lossless_tiles_equal_the_source(tmp_path, compression):
    lossless = {"webp": {"level": 100, "lossless": True}, "jpeg2000": {"reversible": True}}
    path = write_levels(
        tmp_path / "s.tif",
        [RGB],
        compression=compression,
        compressionargs=lossless.get(compression),
    )
    np.testing.assert_array_equal(whole(path), RGB)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_is_scaled_in_either_byte_order(tmp_path, bigtiff, byteorder, planar):
    values = RGB.astype(np.uint16) * 257
    values = values if planar == "contig" else np.ascontiguousarray(np.moveaxis(values, 2, 0))
    path = write_levels(
        tmp_path / "s.tif", [values], bigtiff=bigtiff, byteorder=byteorder, planarconfig=planar
    )
    np.testing.assert_array_equal(whole(path), RGB)


@pytest.mark.parametrize("compression", ["jpeg2000", "deflate"])
def test_level_in_a_subifd_is_read(tmp_path, compression):
    path = write_levels(
        tmp_path / "s.ome.tif",
        [RGB, SMALL],
        subifds=True,
        ome=ome_text("1", size=(330, 200)),
        compression=compression,
        compressionargs={"reversible": True} if compression == "jpeg2000" else None,
    )
    with WholeSlide(path) as slide:
        assert slide.downsamples == [1.0, pytest.approx(4.01, abs=0.02)]
        assert slide.mpp_um == 1.0
        assert (slide.read(0, 0, (50, 40), slide.downsamples[1]) == SMALL[0, 0]).all()
        np.testing.assert_array_equal(slide.read(20, 30, (90, 80), 1.0), RGB[30:110, 20:110])


def test_outside_of_the_slide_is_white(tmp_path):
    path = write_levels(
        tmp_path / "s.tif", [RGB], compression="jpeg2000", compressionargs={"reversible": True}
    )
    with WholeSlide(path) as slide:
        box = slide.read(-10, 190, (20, 20), 1.0)
    assert (box[:, :10] == 255).all() and (box[10:] == 255).all()
    np.testing.assert_array_equal(box[:10, 10:], RGB[190:, :10])


def test_image_of_another_shape_is_no_level(tmp_path):
    label = np.zeros((100, 100, 3), np.uint8)
    path = write_levels(tmp_path / "s.tif", [RGB, label], compression="webp")
    with WholeSlide(path) as slide:
        assert slide.downsamples == [1.0]


def test_strips_of_a_large_image_are_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_slide, "_MIN_STRIP_PIXELS", 1)
    monkeypatch.setattr(tiff_slide, "_CACHE_BYTES", 330 * 7 * 3)
    path = write_levels(tmp_path / "s.tif", [RGB], tile=None, rowsperstrip=7)
    slide = tiff_slide.TiffSlide(str(path)).checked()

    np.testing.assert_array_equal(slide.read_region((20, 30), 0, (90, 80)), RGB[30:110, 20:110])
    assert list(slide._cache) == [(0, 15, 0)]


@pytest.mark.parametrize(
    ("what", "values", "options"),
    [
        ("compressed as JPEG XL", RGB, {"compression": "jpegxl"}),
        ("in strips, not a slide", RGB, {"tile": None}),
        ("4 channels", np.zeros((64, 64, 4), np.uint8), GREY),
    ],
)
def test_refusal_names_the_reason_and_the_remedy(tmp_path, what, values, options):
    path = write_levels(tmp_path / "s.tif", [values], **options)
    with pytest.raises(SlideError, match=what) as refused:
        WholeSlide(path)
    assert "vips tiffsave IN OUT --tile --pyramid --compression jpeg" in str(refused.value)


@pytest.mark.parametrize(
    ("what", "values", "options", "first_step"),
    [
        ("floating-point", RGB.astype(np.float32) / 255, {}, "vips linear IN RGB.v 255 0 --uchar"),
        ("CMYK", CMYK, {"photometric": "separated"}, "vips colourspace IN RGB.v srgb"),
        ("CIE L\\*a\\*b\\*", RGB, {"photometric": "cielab"}, "vips colourspace IN RGB.v srgb"),
    ],
)
def test_refusal_of_values_or_colours_converts_them_first(
    tmp_path, what, values, options, first_step
):
    path = write_levels(tmp_path / "s.tif", [values], **options)
    with pytest.raises(SlideError, match=what) as refused:
        WholeSlide(path)
    assert first_step in str(refused.value)
    assert "vips tiffsave RGB.v OUT --tile --pyramid --compression jpeg" in str(refused.value)


def test_directory_that_points_to_itself_ends(tmp_path):
    path = write_levels(tmp_path / "s.tif", [RGB, SMALL], compression="zstd")
    with tifffile.TiffFile(path) as file:
        first, last = file.pages[0].offset, file.pages[1]
        place = last.offset + 2 + 12 * len(last.tags)
    data = bytearray(path.read_bytes())
    data[place : place + 4] = first.to_bytes(4, "little")
    path.write_bytes(data)

    np.testing.assert_array_equal(whole(path), RGB)
