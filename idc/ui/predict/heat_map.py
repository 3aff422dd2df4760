"""Predictions for a region or a whole slide: heat map, opened patch and downloads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from idc.large_images.frames import bounds_note
from idc.large_images.region import RegionLayout, RegionPredictions, cell_boxes
from idc.large_images.region_exports import region_csv, region_geojson
from idc.large_images.region_pictures import picture_edges, region_png
from idc.large_images.region_warnings import region_warning
from idc.runs.run import Run
from idc.ui.components.explanation import explanation, show_warnings
from idc.ui.components.patch_tiles import enlarged
from idc.ui.components.slide_viewer.slide_viewer import KEEP_PICK, Cells, Picture, slide_viewer
from idc.ui.predict.annotations import show_annotation_table
from idc.ui.predict.patch import model_note
from idc.ui.shared.formatting import (
    class_name,
    coloured_class,
    escape_markdown,
    format_share,
    patch_count,
)


@dataclass(frozen=True)
class MappedImage:
    """An image below a heat map.

    Attributes:
        name: file name.
        rgb: uint8 RGB, shape (height, width, 3): the whole image, possibly shrunk.
        picture: the same image, encoded for the browser.
        coordinate_space: "image" or "slide at full resolution": the pixels that displayed
            coordinates count.
    """

    name: str
    rgb: np.ndarray
    picture: Picture
    coordinate_space: str = "image"


def show_map(run: Run, answers: RegionPredictions, image: MappedImage, *, key: str) -> int | None:
    """The heat map; returns the index of the picked cell in `RegionLayout.places`."""
    layout = answers.layout
    columns, rows = picture_edges(layout, image.picture.width, image.picture.height)
    boxes = layout.boxes_px()
    return slide_viewer(
        image.picture,
        Cells(
            np.arange(len(boxes)),
            cell_boxes(columns, rows)[layout.tissue],
            places=boxes[:, :2],
        ),
        key=key,
        title=image.name,
        values={run.title: answers.cells()[layout.tissue]},
        gap_note="not coloured: background, not predicted"
        if layout.annotated is None
        else "not coloured: background or outside of the annotations, not predicted",
        clip_to_cells=False,
        threshold=run.calibration().threshold,
        mpp_um=layout.mpp_um and layout.mpp_um * layout.width_px / image.picture.width,
        description=replace(run.description(), mpp_um=None),
        picked=KEEP_PICK,
    )


def show_answers(
    run: Run,
    answers: RegionPredictions,
    image: MappedImage,
    patch_of: Callable[[int, int], np.ndarray],
    *,
    key: str,
    notes: Sequence[str] = (),
) -> None:
    """Summary, heat map, the picked patch with its explanation, and downloads.

    Args:
        patch_of: row and column of a tile -> the model's input, uint8 RGB, shape (side, side, 3).
        notes: `idc.large_images.region_warnings.region_notes`, for the CSV file.
    """
    show_summary(run, answers)
    show_annotation_table(answers, run.calibration().threshold, run.description())
    sentence, _ = _warning(run.id, answers, run, patch_of)
    if sentence:
        st.warning(escape_markdown(sentence), icon=":material/warning:")
    warning = " ".join((*notes, *([sentence] if sentence else [])))
    left, right = st.columns([3, 1], gap="medium")
    with left:
        picked = show_map(run, answers, image, key=key)
        st.caption(model_note(run))
    if picked is None:
        with right:
            st.caption("Click a patch to see the model's input and explanation.")
            downloads(run, answers, image, warning, key=key)
        return
    row, column = answers.layout.places[picked].tolist()
    tile = answers.layout.tiling.tile_of(row, column)
    patch = patch_of(*tile)
    with right:
        show_tile(run, answers, patch, (row, column), image.coordinate_space)
        show_warnings(run, patch)
        downloads(run, answers, image, warning, key=key)
    explanation(run, patch, float(answers.tiles[tile]))


# Hashed by identity, so the cache entry also holds a reference to the predictions.
@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={RegionPredictions: id})
def _warning(
    run_id: str, answers: RegionPredictions, _run: Run, _patch_of: Callable[[int, int], np.ndarray]
) -> tuple[str | None, RegionPredictions]:
    return region_warning(_run, answers, _patch_of), answers


def show_summary(run: Run, answers: RegionPredictions) -> None:
    """The share of tissue predicted as positive, in one line."""
    threshold = run.calibration().threshold
    cells = answers.predicted_positive(threshold)[answers.layout.tissue]
    called = format_share(float(cells.mean())) if len(cells) else "–"
    st.markdown(
        f"**{called}** of {_tissue_text(answers.layout)} predicted as "
        f"{class_name(1, run.description())} (probability of at least {threshold:.1%})."
    )


def show_tile(
    run: Run,
    answers: RegionPredictions,
    patch: np.ndarray,
    place: tuple[int, int],
    coordinate_space: str,
) -> None:
    """A picked patch, enlarged, with its prediction.

    Args:
        patch: the model's input, uint8 RGB, shape (side, side, 3).
        place: row and column of its cell.
        coordinate_space: see `MappedImage`.
    """
    layout, about = answers.layout, run.description()
    probability = float(answers.tiles[layout.tiling.tile_of(*place)])
    x, y = int(layout.x_edges_px[place[1]]), int(layout.y_edges_px[place[0]])
    st.image(enlarged(patch), width="stretch", alt=f"Patch at x {x}, y {y}, as the model sees it")
    st.markdown(f"**{coloured_class(int(probability >= run.calibration().threshold), about)}**")
    facts = [
        f"Probability of {escape_markdown(about.target)}: **{probability:.3f}**",
        f"x {x:,}, y {y:,} px of the {coordinate_space}",
    ]
    if layout.tiling.overlaps:
        mean = float(answers.cells()[place])
        facts.insert(1, f"Mean of all patches that overlap here: {mean:.3f}")
    st.markdown("  \n".join(facts))


def downloads(
    run: Run, answers: RegionPredictions, image: MappedImage, warning: str, *, key: str
) -> None:
    """Downloads for other programs, computed on click."""
    stem = image.name.rsplit(".", 1)[0][:60] or "region"
    threshold = run.calibration().threshold
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: region_csv(answers, threshold, warning),
            file_name=f"{stem}-idc.csv",
            mime="text/csv",
            icon=":material/table:",
            key=f"{key}-csv",
            on_click="ignore",
            help=f"One row per cell; x and y in px of the {image.coordinate_space}. "
            + bounds_note(answers.layout.bounds_px),
        )
        st.download_button(
            "GeoJSON",
            lambda: region_geojson(
                answers,
                name=image.name,
                model=run.title,
                threshold=threshold,
                about=run.description(),
            ),
            file_name=f"{stem}-idc.geojson",
            mime="application/geo+json",
            icon=":material/polyline:",
            key=f"{key}-geojson",
            on_click="ignore",
            help=(
                f"For QuPath: open the {image.coordinate_space.split()[0]} there and drop this "
                "file on it."
            ),
        )
        st.download_button(
            "PNG",
            lambda: region_png(answers, image.rgb, threshold),
            file_name=f"{stem}-idc.png",
            mime="image/png",
            icon=":material/image:",
            key=f"{key}-png",
            on_click="ignore",
            help="The heat map over the image. The viewer's own button saves the current view.",
        )


def tiling_summary(layout: RegionLayout) -> str:
    """Size of the region, number of patches and share of background, as a sentence."""
    tiles = patch_count(int(layout.tiles_to_predict().sum()))
    areas = layout.areas_px
    background = 1 - areas[layout.tissue].sum() / areas[layout.reported].sum()
    where = "" if layout.annotated is None else " inside the annotations"
    return (
        f"{_size_text(layout)}: **{tiles}** of {layout.model.patch_size()}, "
        f"{format_share(float(background))} of the area{where} is background and skipped."
    )


def _size_text(layout: RegionLayout) -> str:
    if layout.mpp_um is None:
        return f"{layout.width_px:,} × {layout.height_px:,} px"
    width_mm, height_mm = (
        side * layout.mpp_um / 1000 for side in (layout.width_px, layout.height_px)
    )
    return f"{width_mm:,.2f} × {height_mm:,.2f} mm"


def _tissue_text(layout: RegionLayout) -> str:
    """The area with tissue; its number of patches where the scale is unknown."""
    if layout.mpp_um is None:
        return f"{int(layout.tissue.sum()):,} cells that are not background"
    pixels = layout.areas_px[layout.tissue].sum()
    return f"{pixels * (layout.mpp_um / 1000) ** 2:,.2f} mm² of tissue"
