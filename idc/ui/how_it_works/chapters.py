"""The chapters of How it works."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from idc.datasets.place import place_of
from idc.datasets.sampling import alternating_sample
from idc.datasets.store import PatchStore, list_stores
from idc.demo_tissue.generate import GENERATED_NOTICE, generate_slide, slide_patches
from idc.errors import PredictionError
from idc.prediction.layer_views import LayerViews, view_layers
from idc.runs.first_filters import read_first_filters
from idc.runs.run import Run
from idc.runs.split import check_same_kind
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.components.patch_tiles import patch_tile
from idc.ui.how_it_works.filter_walk import filter_walk, first_window, learned_filters
from idc.ui.how_it_works.first_filters import first_filters_timeline
from idc.ui.how_it_works.lamp_filter import lamp_filter
from idc.ui.how_it_works.layer_explorer import layer_explorer
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded
from idc.ui.shared.pickers import cached_store, choose_run, choose_store, linked_row

_PATCHES_PER_CLASS = 4  # to choose from


@dataclass(frozen=True)
class Example:
    """The patch used in a chapter.

    Attributes:
        rgb: uint8 RGB, shape (side, side, 3).
        title: its place in the data set.
    """

    rgb: np.ndarray
    title: str


def choose_chapter() -> str:
    """Choose a chapter. The URL holds the choice."""
    return st.segmented_control(
        "Chapter",
        list(CHAPTERS),
        default=next(iter(CHAPTERS)),
        required=True,
        key="chapter",
        bind="query-params",
        label_visibility="collapsed",
    )


def show_chapter(chapter: str) -> None:
    """Draw the chapter and a button to the next one."""
    CHAPTERS[chapter]()
    names = list(CHAPTERS)
    position = names.index(chapter)
    if position + 1 < len(names):
        st.button(
            f"Next: {names[position + 1]}",
            icon=":material/arrow_forward:",
            key="next_chapter",
            on_click=guarded(_open),
            args=(names[position + 1],),
        )
    else:
        st.page_link(
            "../../pages/build.py",
            label="Next: build a network of your own",
            icon=":material/arrow_forward:",
        )


def _open(chapter: str) -> None:
    st.session_state["chapter"] = chapter


def _lamp_chapter() -> None:
    st.subheader("A filter responds to one pattern")
    st.markdown(
        "A panel of lamps shows a 1 or a 0. In front of it hangs a **filter** with one pane per "
        "lamp. A camera behind the filter adds up the light that passes and fires when the sum "
        "reaches a **threshold**. A filter of a neural network does the same: it multiplies, adds "
        "up and compares."
    )
    lamp_filter("lamps")
    st.markdown(
        "**Try it.** Which filter detects the 1 and never the 0? Break some lamps: how many can "
        "fail before the camera misses the 1? A missed 1 is a **false negative**; firing at a 0 is "
        "a **false positive**. A higher threshold gives more false negatives and fewer false "
        "positives. If the 1 stands for cancer, a false negative is an undetected tumour."
    )


def _filter_chapter() -> None:
    st.subheader("The same filter slides over a patch")
    st.markdown(
        "A patch has thousands of pixels, and a pattern may lie anywhere in it. The filter is "
        "therefore small, 3 × 3, and visits every position: it multiplies nine pixel values by its "
        "nine **weights** and adds them up. The sums form a new image, the **feature map**, which "
        "shows where the filter found its pattern. This sliding is called a **convolution**."
    )
    run = choose_run(with_model=True)
    example = _choose_example(run)
    if example is None:
        return
    learned = None
    if run is not None:
        try:
            learned = learned_filters(_layer_views(run, example), run.title)
        except PredictionError as error:
            st.warning(escape_markdown(str(error)), icon=":material/info:")
    st.caption("Move the mouse over the patch, click it and use the arrow keys, or press play.")
    filter_walk(example.rgb, learned, key="walk")


def _layers_chapter() -> None:
    st.subheader("Layer upon layer")
    st.markdown(
        "A network has many filters. The maps of one **layer** are the input of the next, so later "
        "filters combine the patterns of earlier ones: edges, then rims of nuclei, then whole "
        "glands. In between, **pooling** shrinks the maps. At the end a few numbers remain, which "
        "**softmax** turns into probabilities. Choose a layer and click a value."
    )
    run = choose_run(with_model=True)
    example = _choose_example(run)
    if run is None or example is None:
        return
    layer_explorer(example.rgb, _layer_views(run, example), run, key="layers")


def _training_chapter() -> None:
    st.subheader("Training finds the filters")
    st.markdown(
        "All weights start at random. The network predicts a patch, training compares the "
        "prediction with the label, and every weight changes slightly to reduce the error. This is "
        "repeated thousands of times. Below are the filters of the first layer after each "
        "**epoch**, which is one pass over all training patches."
    )
    run = choose_run(with_model=True)
    if run is None:
        return
    kept = read_first_filters(run.folder)
    if kept is None:
        st.info(
            f"**{escape_markdown(run.title)}** did not save its first filters. Choose a newer run "
            "or train one.",
            icon=":material/info:",
        )
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return
    example = _choose_example(run)
    if example is None:
        return
    first_filters_timeline(
        kept, example.rgb, first_window(_layer_views(run, example)), key="first_filters"
    )


CHAPTERS: dict[str, Callable[[], None]] = {
    "A filter": _lamp_chapter,
    "A filter on a patch": _filter_chapter,
    "Every layer": _layers_chapter,
    "What training does": _training_chapter,
}


def _layer_views(run: Run, example: Example) -> LayerViews:
    with st.spinner("Computing all layers …", show_time=True):
        sha256 = run.best().get("sha256", "")
        return _cached_views(run, sha256, len(example.rgb), example.rgb.tobytes())


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs={Run: lambda run: run.id})
def _cached_views(run: Run, sha256: str, side_px: int, patch: bytes) -> LayerViews:
    return view_layers(run, np.frombuffer(patch, np.uint8).reshape(side_px, side_px, 3))


def _choose_example(run: Run | None) -> Example | None:
    """A patch of the run's data set or a chosen one; generated tissue without any data set."""
    names = list_stores()
    if not names:
        return _choose_generated()
    own = run is not None and run.config.data in names and "data" not in st.query_params
    store = cached_store(run.config.data) if run is not None and own else choose_store()
    if store is None:
        return None
    if run is not None:
        check_same_kind(run, store)
    row = _picked_row(store)
    entry = store.index.iloc[row]
    title = store.description.patch_title(entry.case, entry.x, entry.y)
    return Example(np.array(store.patches[row]), title[:1].upper() + title[1:])


def _picked_row(store: PatchStore) -> int:
    """The row of the patch in the URL, or of one chosen from a few."""
    table = alternating_sample(store.index, _PATCHES_PER_CLASS, seed=0)
    opened = linked_row(store)
    if opened is None:
        opened = int(table["row"].iloc[1 if len(table) > 1 else 0])
    picked = patch_grid(
        store.patches[table["row"].to_numpy()],
        [patch_tile(entry, store.description) for entry in table.to_dict("records")],
        key="example",
        label="Patches to choose from",
        tile_px=64,
        marks_opened=True,
        opened=opened,
    )
    if picked is None:
        return opened
    st.query_params["patch"] = str(place_of(store, picked))
    return picked


def _choose_generated() -> Example | None:
    patches, labels = _generated()
    st.caption(f"There is no data set yet, so this is {GENERATED_NOTICE}.")
    tiles = [
        PatchTile(i, label, f"{'+' if label else '−'} example {i + 1}", f"example {i + 1}")
        for i, label in enumerate(labels)
    ]
    chosen = st.session_state.get("generated_example", 0)
    picked = patch_grid(
        patches,
        tiles,
        key="generated",
        label="Patches to choose from",
        tile_px=64,
        marks_opened=True,
        opened=chosen,
    )
    if picked is not None:
        chosen = st.session_state["generated_example"] = picked
    return Example(patches[chosen], f"Generated tissue, example {chosen + 1}")


@st.cache_data(show_spinner="Generating tissue …")
def _generated() -> tuple[np.ndarray, list[int]]:
    """Patches of one generated slide with alternating classes, and their labels."""
    by_class: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for name, rgb in slide_patches(generate_slide(0, 1)):
        by_class[name.label].append(np.array(rgb))
    spread = [
        one_class[len(one_class) * number // _PATCHES_PER_CLASS]
        for number in range(_PATCHES_PER_CLASS)
        for one_class in by_class
    ]
    return np.stack(spread), [0, 1] * _PATCHES_PER_CLASS
