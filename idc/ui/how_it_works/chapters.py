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
from idc.ui.components.patch_grid import PatchTile, patch_grid
from idc.ui.components.patch_tiles import patch_tile
from idc.ui.how_it_works.filter_walk import filter_walk, first_window, learned_filters
from idc.ui.how_it_works.first_filters import first_filters_timeline
from idc.ui.how_it_works.lamp_filter import lamp_filter
from idc.ui.how_it_works.layer_explorer import layer_explorer
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.pickers import cached_store, choose_run, choose_store, linked_row

_PATCHES_PER_CLASS = 4  # patches of each class to choose from


@dataclass(frozen=True)
class Example:
    """The patch that a chapter works on.

    Attributes:
        rgb: uint8 RGB, shape (50, 50, 3).
        title: where it comes from.
    """

    rgb: np.ndarray
    title: str


def choose_chapter() -> str:
    """The chapter that is open; it is in the URL."""
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
    """Draw it, and the way to the next one."""
    CHAPTERS[chapter]()
    names = list(CHAPTERS)
    at = names.index(chapter)
    if at + 1 < len(names):
        st.button(
            f"Next: {names[at + 1]}",
            icon=":material/arrow_forward:",
            key="next_chapter",
            on_click=_open,
            args=(names[at + 1],),
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
    st.subheader("A filter lets through what it looks for")
    st.markdown(
        "A light shows a 1 or a 0. In front of it hangs a **filter**: a pane for each lamp. Behind "
        "it a camera adds up what gets through, and fires when the sum reaches a **threshold**. "
        "That is all a filter of a neural network does: multiply, add up, compare."
    )
    lamp_filter("lamps")
    st.markdown(
        "**Try it.** Which filter finds the 1 and never the 0? Break some lamps: how many can fail "
        "before the camera misses the 1? A 1 that is missed is a **false negative**; a camera that "
        "fires at a 0 gives a **false positive**. A higher threshold makes more of the one and "
        "fewer of the other. With cancer in place of the 1, a false negative is a tumour that "
        "nobody is told about."
    )


def _filter_chapter() -> None:
    st.subheader("The same filter slides over a patch")
    st.markdown(
        "A patch is 50 × 50 pixels, and what we look for may lie anywhere in it. So the filter is "
        "small, 3 × 3, and visits every place: at each one it multiplies nine values by its nine "
        "**weights** and adds up. The sums make a new picture, the **map**: it shows where the "
        "filter found what it looks for. Sliding a filter like this is called a **convolution**."
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
    st.caption("Move over the patch, or click it and use the arrow keys; or let it play.")
    filter_walk(example.rgb, learned, key="walk")


def _layers_chapter() -> None:
    st.subheader("Layer upon layer")
    st.markdown(
        "A network has many filters, and the maps of one **layer** are what the next one looks at. "
        "So later filters find what earlier ones found together: edges, then rims of nuclei, then "
        "whole glands. Between them **pooling** shrinks the maps. At the end a few numbers are "
        "left, and **softmax** turns them into probabilities. Choose a layer and click a value."
    )
    run = choose_run(with_model=True)
    example = _choose_example(run)
    if run is None or example is None:
        return
    layer_explorer(example.rgb, _layer_views(run, example), run, key="layers")


def _training_chapter() -> None:
    st.subheader("Nobody writes the filters: training finds them")
    st.markdown(
        "At first all weights are random. The network guesses, is told the label, and every weight "
        "moves a little to where the guess would have been better; thousands of times. Here are "
        "the filters of the first layer, epoch by epoch: an **epoch** is one pass over all "
        "training patches."
    )
    run = choose_run(with_model=True)
    if run is None:
        return
    kept = read_first_filters(run.folder)
    if kept is None:
        st.info(
            f"**{escape_markdown(run.title)}** has not kept its first filters. Runs that train "
            "from now on "
            "do; choose one of those, or train one.",
            icon=":material/info:",
        )
        st.page_link("../../pages/train.py", label="Train one", icon=":material/model_training:")
        return
    example = _choose_example(run)
    if example is None:
        return
    first_filters_timeline(kept, example.rgb, first_window(_layer_views(run, example)), key="film")


CHAPTERS: dict[str, Callable[[], None]] = {
    "A filter": _lamp_chapter,
    "A filter on a patch": _filter_chapter,
    "Every layer": _layers_chapter,
    "What training does": _training_chapter,
}


def _layer_views(run: Run, example: Example) -> LayerViews:
    with st.spinner("The network looks at it …", show_time=True):
        return _cached_views(run, run.best().get("sha256", ""), example.rgb.tobytes())


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs={Run: lambda run: run.id})
def _cached_views(run: Run, sha256: str, patch: bytes) -> LayerViews:
    return view_layers(run, np.frombuffer(patch, np.uint8).reshape(50, 50, 3))


def _choose_example(run: Run | None) -> Example | None:
    """A patch of the run's data set, or of another one; generated tissue where there is none."""
    names = list_stores()
    if not names:
        return _choose_generated()
    own = run is not None and run.config.data in names and "data" not in st.query_params
    store = cached_store(run.config.data) if run is not None and own else choose_store()
    if store is None:
        return None
    row = _picked_row(store)
    entry = store.index.iloc[row]
    return Example(np.array(store.patches[row]), f"Case {entry.case}, x {entry.x}, y {entry.y}")


def _picked_row(store: PatchStore) -> int:
    """The patch of the address; else the first of a few to choose from."""
    table = alternating_sample(store.index, _PATCHES_PER_CLASS, seed=0)
    opened = linked_row(store)
    if opened is None:
        opened = int(table["row"].iloc[1 if len(table) > 1 else 0])
    picked = patch_grid(
        store.patches[table["row"].to_numpy()],
        [patch_tile(entry) for entry in table.to_dict("records")],
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
        PatchTile(at, label, f"{'+' if label else '−'} example {at + 1}", f"example {at + 1}")
        for at, label in enumerate(labels)
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


@st.cache_data(show_spinner="Painting tissue …")
def _generated() -> tuple[np.ndarray, list[int]]:
    """A few patches of one generated slide, the classes alternating."""
    by_class: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for name, rgb in slide_patches(generate_slide(0, 1)):
        by_class[name.label].append(np.array(rgb))
    spread = [
        one_class[len(one_class) * number // _PATCHES_PER_CLASS]
        for number in range(_PATCHES_PER_CLASS)
        for one_class in by_class
    ]
    return np.stack(spread), [0, 1] * _PATCHES_PER_CLASS
