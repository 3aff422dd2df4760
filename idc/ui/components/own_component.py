"""Our own Streamlit components: a ``.py``, a ``.js`` and a ``.css`` file side by side, one stem."""

from pathlib import Path

import streamlit as st

from idc.patches import NEGATIVE_COLOUR, POSITIVE_COLOUR
from idc.server.browser_modules import module_url
from idc.server.streamlit_internals import ComponentRenderer

_BROWSER = Path(__file__).with_name("browser")
_MOUNTING = _BROWSER / "mounting.js"
_CLASS_COLOURS = (
    f":host {{ --idc-negative: {NEGATIVE_COLOUR}; --idc-positive: {POSITIVE_COLOUR}; }}"
)

# Streamlit runs this text as a module of its own, from a blob: address, so the modules' addresses
# are resolved against the page's.
_LOADER = """
const load = (path) => import(new URL(path, document.baseURI));
const [{{ mountable }}, {{ default: component }}] = await Promise.all([
  load("{mounting}"),
  load("{component}"),
]);
export default mountable(component);
"""


def own_component(file: str, *shared_styles: str) -> ComponentRenderer:
    """Register the component of a Python file; call it once, at module level.

    Args:
        file: the caller's ``__file__``; its ``.js`` lies beside it, and its ``.css``, if there is
            one.
        shared_styles: stems of ``.css`` files that several components share, beside the caller or
            in ``components/browser``. They come before the component's own.
    """
    own = Path(file)
    loader = _LOADER.format(
        mounting=module_url(_MOUNTING), component=module_url(own.with_suffix(".js"))
    )
    return st.components.v2.component(
        f"idc_{own.stem}", js=loader, css=_concatenated_styles(own, shared_styles)
    )


def _concatenated_styles(own: Path, shared_styles: tuple[str, ...]) -> str:
    paths = [_beside(own, f"{stem}.css") for stem in shared_styles]
    if own.with_suffix(".css").exists():
        paths.append(own.with_suffix(".css"))
    return "\n".join([_CLASS_COLOURS, *(path.read_text(encoding="utf-8") for path in paths)])


def _beside(own: Path, name: str) -> Path:
    path = own.with_name(name)
    return path if path.exists() else _BROWSER / name
