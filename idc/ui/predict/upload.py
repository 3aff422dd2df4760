"""Predict an upload: a patch, a region or several files."""

import streamlit as st

from idc.datasets.description import DataDescription
from idc.errors import ServerBusy, UploadError
from idc.imaging.rescaling import ModelScale, fits_one_patch
from idc.large_images.region import model_scale
from idc.runs.run import Run
from idc.server.streamlit_internals import UploadedFile
from idc.ui.predict.files import has_many_files, show_file_predictions
from idc.ui.predict.patch import show_prediction, uploaded_patch
from idc.ui.predict.refusals import show_upload_refusal, uploader_key
from idc.ui.predict.region import show_region
from idc.uploads.gate import MAX_FILE_BYTES, DecodedImage, decode_image

_KINDS = ("One patch, scaled down", "A region, cut into patches")


def show_upload(run: Run) -> None:
    """The uploader and the predictions for its files."""
    files = st.file_uploader(
        "Patches, a larger region or a zip of patches: PNG, JPEG or TIFF",
        type=["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "zip"],
        accept_multiple_files=True,
        max_upload_size=MAX_FILE_BYTES // 10**6,
        key=uploader_key(),
        help=_patch_help(run.description()),
    )
    show_upload_refusal()
    if files and has_many_files(files):
        show_file_predictions(run, files)
    elif files:
        _show_image(run, files[0])


def _patch_help(about: DataDescription) -> str:
    side = f"{about.side_px} × {about.side_px} px"
    if about.is_idc_set:
        patch = f"Tissue stained with H&E. A patch has {side} at 4 µm per pixel (2.5x objective)"
    else:
        patch = f"A patch of this model has {side}, {about.scale_text()}"
    if about.mpp_um is not None:
        patch += f", which is {ModelScale(about.side_px, about.mpp_um).patch_size()}"
    return f"{patch}. For a larger image you choose what it shows."


def _show_image(run: Run, file: UploadedFile) -> None:
    image = _decoded(file.file_id, file)
    if isinstance(image, UploadError):
        raise type(image)(str(image))
    height, width = image.rgb.shape[:2]
    model = model_scale(run)
    is_larger = max(height, width) > model.side_px
    if is_larger and _kind(image, model, file.file_id) == _KINDS[1]:
        show_region(run, image, name=file.name, key=file.file_id)
    else:
        show_prediction(run, uploaded_patch(run, image, file.name))


def _kind(image: DecodedImage, model: ModelScale, key: str) -> str | None:
    """Choose what a larger image shows; the default depends on its size and scale."""
    height, width = image.rgb.shape[:2]
    likely = _KINDS[0] if fits_one_patch(width, height, image.mpp_um, model) else _KINDS[1]
    return st.segmented_control(
        f"{width:,} × {height:,} px: what does it show?",
        _KINDS,
        default=likely,
        required=True,
        key=f"kind_{key}",
    )


# Every rerun needs the decoded image, and a large one takes a second to decode. An image has at
# most 300 MB, so the shared cache holds only a few. Only its visitor knows the id of a file.
@st.cache_resource(max_entries=4, ttl="10m", show_spinner=False)
def _decoded(file_id: str, _file: UploadedFile) -> DecodedImage | UploadError:
    """Decode a file, or return the error: Streamlit does not cache exceptions, so a slow file would
    be decoded again in every rerun.

    Raises:
        ServerBusy: not cached, because a retry may succeed.
    """
    try:
        return decode_image(_file.getvalue(), _file.name)
    except ServerBusy:
        raise
    except UploadError as error:
        return type(error)(str(error))  # without the traceback, which references the file
