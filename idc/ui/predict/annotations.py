"""Annotations that limit a prediction: the field for their file, and a table of what was found."""

import math

import pandas as pd
import streamlit as st

from idc.datasets.description import DataDescription
from idc.errors import ServerBusy, UploadError
from idc.files.spreadsheets import spreadsheet_safe
from idc.large_images.annotation_summary import annotation_summaries
from idc.large_images.region import RegionPredictions
from idc.server.streamlit_internals import UploadedFile
from idc.ui.shared.formatting import class_name, escape_markdown, format_share
from idc.uploads.annotations import MAX_ANNOTATION_BYTES, Annotations, read_annotations

_MAX_PLAIN_ROWS = 12  # a longer table scrolls


def choose_annotations(key: str) -> Annotations | None:
    """The field for a GeoJSON file; None without one.

    Raises:
        UploadError: the file is refused.
    """
    file = st.file_uploader(
        "Only inside annotations: GeoJSON from QuPath (optional)",
        type=["geojson", "json"],
        max_upload_size=MAX_ANNOTATION_BYTES // 10**6,
        key=f"only_{key}",
        help="Polygons of annotations, as QuPath exports them (File > Export objects as GeoJSON). "
        "A patch is predicted when its centre lies inside one. Choose the file again after the "
        "page was reloaded.",
    )
    if file is None:
        return None
    found = _parsed(file.file_id, file)
    if isinstance(found, UploadError):
        raise type(found)(str(found))
    if found.note:
        st.info(escape_markdown(found.note), icon=":material/info:")
    return found


def show_annotation_table(
    answers: RegionPredictions, threshold: float, about: DataDescription
) -> None:
    """Patches, area and positive share inside each annotation; nothing without annotations."""
    summaries = annotation_summaries(answers, threshold)
    if not summaries:
        return
    table = pd.DataFrame(
        {
            "Annotation": [one.name for one in summaries],
            "Patches": [f"{one.cells:,}" for one in summaries],
            "Area (mm²)": [
                "–" if math.isnan(one.area_mm2) else f"{one.area_mm2:,.2f}" for one in summaries
            ],
            class_name(1, about): [format_share(one.positive_share) for one in summaries],
        }
    )
    names = table["Annotation"]
    if len(table) > _MAX_PLAIN_ROWS:
        table["Annotation"] = names.map(spreadsheet_safe)  # the table's menu saves it as CSV
        st.dataframe(table, hide_index=True, alt="What was predicted inside each annotation")
    else:
        table["Annotation"] = names.map(escape_markdown)
        st.table(table.set_index("Annotation"))


# As for images: every rerun needs them, and Streamlit does not cache exceptions.
@st.cache_resource(max_entries=8, ttl="1h", show_spinner="Reading the annotations …")
def _parsed(file_id: str, _file: UploadedFile) -> Annotations | UploadError:
    try:
        return read_annotations(_file.getvalue(), _file.name)
    except ServerBusy:
        raise
    except UploadError as error:
        return type(error)(str(error))  # without the traceback, which references the file
