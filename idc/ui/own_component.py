"""Our own components: plain JS and CSS files in ``idc/ui/frontend``, no build step."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FRONTEND = Path(__file__).parent / "frontend"


def own_component(name: str) -> ComponentRenderer:
    """Register ``<name>.js`` and ``<name>.css``; call it once a component, at module level."""
    return st.components.v2.component(
        f"idc_{name}",
        js=(_FRONTEND / f"{name}.js").read_text(encoding="utf-8"),
        css=(_FRONTEND / f"{name}.css").read_text(encoding="utf-8"),
    )
