"""The sections of Leakage: the choice of a split, the report, example images."""

import hashlib

import cv2
import numpy as np
import streamlit as st

from idc.datasets.leakage import (
    LEAKAGE_KINDS,
    LeakageFinding,
    LeakageReport,
    check_leakage,
    near_uniform_note,
)
from idc.datasets.place import place_of
from idc.datasets.splits import PARTS, PROTOCOL_HELP, PROTOCOLS, Split, make_split, protocols_for
from idc.datasets.store import PatchStore
from idc.runs.run import check_same_data, open_run
from idc.runs.split import run_split
from idc.ui.shared.formatting import escape_markdown
from idc.ui.shared.guard import guarded
from idc.ui.shared.pickers import cached_store, choose_from_titles, choose_store

_EXAMPLES = 6
_ZOOM = 3
_GAP_PX = 10
_MAX_REPORTS = 16
_KIND_HELP = {
    "identical": "Identical pixels in two parts. Copies within a part count once in the table.",
    "similar": "The same image apart from compression, brightness or scale: perceptual hashes "
    "that differ in at most 6 of 64 bits, confirmed on the pixels.",
    "adjacent": "The patches share an edge or a corner on the slide, and so stain, scanner and "
    "often the same gland. Each image shows their position on the slide.",
}


def choose_split() -> tuple[PatchStore, Split] | None:
    """The split of the run in the URL, or a split with the chosen settings."""
    if "run" in st.query_params:
        return _split_of_run(st.query_params["run"])
    store = choose_store()
    if store is None:
        return None
    titles = {name: PROTOCOLS[name] for name in protocols_for(store.description)}
    protocol = choose_from_titles("Split", titles, key="split")
    st.caption(PROTOCOL_HELP[protocol])
    unlisted = protocol == "published" and st.toggle(
        "Cases in no published list join training", key="split_unlisted", bind="query-params"
    )
    max_patches = max(2, len(store))
    if st.session_state.get("split-data", store.name) != store.name:
        st.session_state["split_patches"] = max_patches  # all patches of the new data set
    st.session_state["split-data"] = store.name
    with st.container(horizontal=True, gap="small"):
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, 0, key="split_seed", bind="query-params", width=160
        )
        patches = st.number_input(
            "Patches to use",
            2,
            max_patches,
            max_patches,
            step=1_000,
            key="split_patches",
            bind="query-params",
            width=200,
        )
    split = make_split(
        store.index,
        protocol,
        seed=int(seed),
        unlisted="train" if unlisted else "ignore",
        patches=int(patches),
        description=store.description,
    )
    return store, split


def _split_of_run(run_id: str) -> tuple[PatchStore, Split]:
    run = open_run(run_id)
    store = cached_store(run.config.data)
    check_same_data(run, store)
    split = run_split(run, store)
    # A fork keeps the split's seed, which may differ from the seed in its settings.
    st.markdown(
        f"The split of the run **{escape_markdown(run.title)}**: "
        f"{PROTOCOLS[split.protocol].lower()}, "
        f"seed {split.seed}, data set {escape_markdown(store.name)}."
    )
    st.button(
        "Check another split",
        type="tertiary",
        icon=":material/tune:",
        key="other_split",
        on_click=guarded(_forget_run),
    )
    return store, split


def _forget_run() -> None:
    st.query_params.pop("run", None)


def leakage_check(store: PatchStore, split: Split) -> LeakageReport | None:
    """The report of this split if it was checked before, or a button that starts the check."""
    reports = _reports()
    key = store.fingerprint + _digest(split)
    slot = st.empty()
    if key not in reports:
        scored = sum(len(split.rows(part)) for part in PARTS)
        pressed = slot.button(
            "Check this split",
            type="primary",
            icon=":material/search:",
            key="check",
            help=f"Compares the pixels of {scored:,} patches.",
        )
        if not pressed:
            return None
        bar = slot.progress(0.0, text="Checking the patches")

        def advance(done: int, total: int) -> None:
            bar.progress(done / total, text=f"{done:,} of {total:,} patches")

        while len(reports) >= _MAX_REPORTS:
            reports.pop(next(iter(reports)), None)
        reports[key] = check_leakage(store, split, on_progress=advance)
        slot.empty()
    return reports[key]


def show_report(store: PatchStore, report: LeakageReport) -> None:
    """The counts, their meaning, and example images."""
    for sentence in report.sentences():
        if report.leaks:
            st.warning(sentence, icon=":material/water_drop:")
        else:
            st.success(sentence, icon=":material/check:")
    st.subheader("Pairs across parts")
    table = report.table()
    st.table(table.map(lambda count: f"{count:,}"))
    if note := near_uniform_note(report):
        st.caption(note)
    for kind, finding in report.findings.items():
        if len(finding.pairs):
            _examples(store, finding, LEAKAGE_KINDS[kind], _KIND_HELP[kind])


def _examples(store: PatchStore, finding: LeakageFinding, title: str, meaning: str) -> None:
    st.subheader(title)
    about = store.description
    st.caption(meaning)
    with st.container(horizontal=True, gap="medium"):
        for number in finding.examples(_EXAMPLES):
            pair = finding.pairs[number].tolist()
            place, other = (place_of(store, row) for row in pair)
            first, second = (PARTS[part] for part in finding.parts[number])
            step = (other.x - place.x, other.y - place.y) if finding.kind == "adjacent" else None
            caption = f"{first}: {about.patch_title(place.case, place.x, place.y)}"
            caption += f"; {second}: {about.patch_title(other.case, other.x, other.y)}"
            st.image(
                pair_picture(store, pair, step),
                caption=escape_markdown(caption),
                alt=caption,
                width=200,
            )


def pair_picture(
    store: PatchStore, rows: list[int], step: tuple[int, int] | None = None
) -> np.ndarray:
    """Two patches enlarged on one transparent image.

    Args:
        step: (x, y) offset in px of the second patch from the first, for patches that touch on
            one slide; None places them side by side with a gap.

    Returns:
        uint8 RGBA.
    """
    size = store.patches.shape[1]
    x, y = step if step else (size + _GAP_PX, 0)
    height, width = (2 * size, 2 * size) if step else (size, 2 * size + _GAP_PX)
    # Centre the pair on a canvas of fixed size, so that all images have the same scale.
    left, top = (width - size - abs(x)) // 2, (height - size - abs(y)) // 2
    offsets = ((max(-x, 0), max(-y, 0)), (max(x, 0), max(y, 0)))
    picture = np.zeros((height, width, 4), np.uint8)
    for row, (right, down) in zip(rows, offsets, strict=True):
        area = picture[top + down : top + down + size, left + right : left + right + size]
        area[..., :3], area[..., 3] = store.patches[row], 255
    return cv2.resize(picture, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)


@st.cache_resource(show_spinner=False)
def _reports() -> dict[str, LeakageReport]:
    """The cached reports, by data set and split, so that the pixels are compared only once."""
    return {}


def _digest(split: Split) -> str:
    digest = hashlib.sha256()
    for part in PARTS:
        digest.update(np.ascontiguousarray(split.rows(part)).tobytes() + b"|")
    return digest.hexdigest()
