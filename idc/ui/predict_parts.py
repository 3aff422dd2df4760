"""The pieces of Predict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from idc.errors import IdcError
from idc.neighbourhood import find_row, parse_place
from idc.packing import to_patch_size
from idc.patches import PATCH_SHAPE
from idc.prediction import predict_patches
from idc.results import held_out_rows, run_split, train_cases
from idc.runs import Run, check_same_data
from idc.sampling import alternating_sample
from idc.store import PatchStore
from idc.ui.choose import cached_store, choose_store
from idc.ui.explanation import explanation, show_warnings
from idc.ui.kept_uploads import uploader_key, uploads_refused
from idc.ui.patch_grid import PatchTile, patch_grid
from idc.ui.patches_shown import enlarged
from idc.ui.predict_many import is_many, show_many
from idc.ui.words import class_name, coloured_class, plain
from idc.uploads import MAX_FILE_BYTES, decode_image

_TRAINED_ON = "The run has trained on this patch, so its answer flatters."

# The model knows patches of 50 px. A much larger picture is a region, not a patch.
_LARGEST_SIDE_PX = 400


@dataclass(frozen=True)
class ChosenPatch:
    """What is to be predicted.

    Attributes:
        rgb: uint8 RGB, shape (50, 50, 3).
        title: where it comes from.
        notes: what was done to bring it to 50x50.
        label: ground truth {0, 1}, None if unknown.
    """

    rgb: np.ndarray
    title: str
    notes: tuple[str, ...] = ()
    label: int | None = None


def choose_patch(run: Run) -> ChosenPatch | None:
    """An upload, or an example from the run's data set."""
    linked = "patch" in st.query_params
    source = st.segmented_control(
        "Patch",
        ["Upload one", "Pick an example"],
        default="Pick an example" if linked else "Upload one",
        required=True,
        key="source",
        label_visibility="collapsed",
    )
    if source == "Upload one":
        return _upload(run)
    return _linked(run) if linked else _example(run)


def show_prediction(run: Run, chosen: ChosenPatch) -> None:
    """The patch, the answer, and what the answer rests on."""
    with st.spinner("The model looks at it …", show_time=True):
        y_prob = float(predict_patches(run, chosen.rgb[None])[0])
    threshold = run.calibration().threshold
    y_pred = int(y_prob >= threshold)
    picture, answer = st.columns([1, 2], gap="large")
    with picture:
        st.image(enlarged(chosen.rgb), width="stretch", alt="The patch as the model sees it")
        st.caption(plain(chosen.title))
    with answer:
        st.subheader(coloured_class(y_pred))
        st.progress(y_prob, text=f"Probability of IDC: **{y_prob:.1%}**")
        st.markdown(f"Called IDC-positive from {threshold:.0%} on. {_whose_answer(run)}")
        if chosen.label is not None:
            right = "agrees with" if chosen.label == y_pred else "contradicts"
            st.markdown(f"The label is **{class_name(chosen.label)}**: the answer {right} it.")
        for note in chosen.notes:
            st.info(plain(note), icon=":material/info:")
        show_warnings(run, chosen.rgb)
    explanation(run, chosen.rgb, y_prob)


def _whose_answer(run: Run) -> str:
    if run.bundled:
        return (
            "Answered by the model that comes with IDC Lab, trained on real patches; probability "
            "and threshold are calibrated on cases that it has not seen."
        )
    answer = (
        f"Answered by the run **{plain(run.title)}**, best weights of epoch "
        f"{run.best().get('epoch', '–')}."
    )
    if run.environment().get("data_generated"):
        answer += " It has only seen generated tissue; for real patches choose the bundled model."
    return answer


def _upload(run: Run) -> ChosenPatch | None:
    files = st.file_uploader(
        "A patch, many patches, or a zip of them: PNG, JPEG or TIFF",
        type=["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "zip"],
        accept_multiple_files=True,
        max_upload_size=MAX_FILE_BYTES // 10**6,
        key=uploader_key(),
        help="About 50 × 50 px at 4 µm a pixel (2.5x), so 200 × 200 µm of H&E-stained tissue.",
    )
    uploads_refused()
    if not files:
        return None
    if is_many(files):
        show_many(run, files)
        return None
    file = files[0]
    image = decode_image(file.getvalue(), file.name)
    height, width = image.rgb.shape[:2]
    if max(height, width) > _LARGEST_SIDE_PX:
        raise IdcError(
            f"'{file.name[:60]}' is {width} x {height} px, but a patch has about 50 x 50 px "
            "(200 x 200 um at 4 um a pixel). Cut out a patch of at most "
            f"{_LARGEST_SIDE_PX} px a side."
        )
    notes = list(image.notes)
    if (height, width) != PATCH_SHAPE[:2]:
        notes.append(
            f"Resized from {width} x {height} to 50 x 50 px. The model was trained on 200 x 200 um "
            "a patch; at another scale its answer means little."
        )
    return ChosenPatch(to_patch_size(image.rgb), file.name, tuple(notes))


def _linked(run: Run) -> ChosenPatch | None:
    """The patch that a link names, of the data set that it names."""
    store = cached_store(st.query_params.get("data", run.config.data))
    place = parse_place(st.query_params["patch"])
    row = find_row(store, place) if place else None
    st.button(
        "Pick another example",
        icon=":material/grid_view:",
        type="tertiary",
        key="unlink",
        on_click=_unlink,
    )
    if place is None or row is None:
        raise IdcError(
            f"The data set '{store.name}' holds no patch '{st.query_params['patch'][:40]}'; "
            "pick another example."
        )
    title = f"Case {place.case}, x {place.x}, y {place.y} of {store.name}"
    notes = (_TRAINED_ON,) if _trained_on(run, store, row) else ()
    return ChosenPatch(np.array(store.patches[row]), title, notes, int(store.labels[row]))


def _unlink() -> None:
    for name in ("patch", "data"):
        st.query_params.pop(name, None)


def _trained_on(run: Run, store: PatchStore, row: int) -> bool:
    """Whether the run has learned from this very patch, or the bundled model from its case."""
    if run.bundled:
        return bool(np.isin(store.cases[row], train_cases(run)))
    if store.name != run.config.data:
        return False
    check_same_data(run, store)
    train = run_split(run, store).train
    at = int(np.searchsorted(train, row))
    return at < len(train) and int(train[at]) == row


def _example(run: Run) -> ChosenPatch | None:
    store = choose_store("Examples from") if run.bundled else cached_store(run.config.data)
    if store is None:
        return None
    rows = held_out_rows(run, store)
    if not len(rows):
        st.info("The model has trained on all cases of this data set; upload a patch instead.")
        return None
    table = alternating_sample(store.index.iloc[rows], 9, seed=0)
    table = table.assign(row=rows[table["row"].to_numpy()])
    st.caption("Held-out patches: the model has not trained on them. Choose one.")
    picked = patch_grid(
        store.patches[table["row"].to_numpy()],
        [_example_tile(entry) for entry in table.to_dict("records")],
        key="examples",
        tile_px=72,
        label="Held-out example patches",
    )
    if picked is None:
        return None
    entry = store.index.iloc[picked]
    title = f"Case {entry.case}, x {entry.x}, y {entry.y}"
    return ChosenPatch(np.array(store.patches[picked]), title, label=int(entry.label))


def _example_tile(entry: Mapping[Any, Any]) -> PatchTile:
    """Without the label: the visitor may want to guess first."""
    details = f"case {entry['case']}, x {entry['x']}, y {entry['y']}"
    return PatchTile(int(entry["row"]), None, f"case {entry['case']}", details)
