"""Our own components: plain JS and CSS files in ``idc/ui/frontend``, no build step."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FRONTEND = Path(__file__).parent / "frontend"


def own_component(name: str, *parts: str) -> ComponentRenderer:
    """Register ``<name>.js`` and ``<name>.css``; call it once a component, at module level.

    Args:
        parts: further JS files, put before the first: a component cannot import a file of its own,
            so a long one is written in parts that share one scope.
    """
    scripts = [(_FRONTEND / f"{part}.js").read_text(encoding="utf-8") for part in (*parts, name)]
    return st.components.v2.component(
        f"idc_{name}",
        js="\n".join(scripts),
        css=(_FRONTEND / f"{name}.css").read_text(encoding="utf-8"),
    )
