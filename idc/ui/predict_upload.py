"""Predict what a visitor drops on the page: a patch, a region, or many files."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from idc.patches import PATCH_SIZE_PX
from idc.rescaling import fits_one_patch
from idc.runs import Run
from idc.ui.predict_parts import show_prediction, uploaded_patch
from idc.ui.predict_region import show_region
from idc.uploads import MAX_FILE_BYTES, DecodedImage, decode_image

_KINDS = ("One patch, scaled down", "A region, cut into patches")


def show_upload(run: Run) -> None:
    """The uploader, and what the model says about what is in it."""
    files = st.file_uploader(
        "A patch or a region of H&E-stained tissue: PNG, JPEG or TIFF",
        type=["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"],
        accept_multiple_files=True,
        max_upload_size=MAX_FILE_BYTES // 10**6,
        key="upload",
        help="A patch has 50 × 50 px at 4 µm a pixel (2.5x), so 200 × 200 µm. Of anything larger "
        "you are asked what it is.",
    )
    if files:
        _show_image(run, files[-1])


def _show_image(run: Run, file: UploadedFile) -> None:
    image = _decoded(file.file_id, file)
    height, width = image.rgb.shape[:2]
    if max(height, width) > PATCH_SIZE_PX and _kind(image, file.file_id) == _KINDS[1]:
        show_region(run, image, name=file.name, key=file.file_id)
    else:
        show_prediction(run, uploaded_patch(image, file.name))


def _kind(image: DecodedImage, key: str) -> str | None:
    """What a larger image is. Guessed at first by its size and what the file says of its scale."""
    height, width = image.rgb.shape[:2]
    likely = _KINDS[0] if fits_one_patch(width, height, image.um_per_px) else _KINDS[1]
    return st.segmented_control(
        f"{width:,} × {height:,} px: what is it?",
        _KINDS,
        default=likely,
        required=True,
        key=f"kind_{key}",
    )


# A region is looked at in many reruns, and a large one takes a second to decode. 48 MB at most.
@st.cache_resource(scope="session", max_entries=1, show_spinner=False)
def _decoded(file_id: str, _file: UploadedFile) -> DecodedImage:
    return decode_image(_file.getvalue(), _file.name)
