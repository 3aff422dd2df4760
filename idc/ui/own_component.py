"""Our own components: plain JS and CSS files in ``idc/ui/frontend``, no build step."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FRONTEND = Path(__file__).parent / "frontend"


def own_component(name: str, *shared: str) -> ComponentRenderer:
    """Register ``<name>.js`` and ``<name>.css``; call it once a component, at module level.

    Args:
        shared: names of files that several components share. Their JS and CSS, as far as there is
            any, goes before the component's own: a module without a build step imports nothing.
    """
    return st.components.v2.component(
        f"idc_{name}", js=_joined(".js", *shared, name), css=_joined(".css", *shared, name)
    )


def _joined(suffix: str, *names: str) -> str:
    paths = [_FRONTEND / f"{name}{suffix}" for name in names]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.exists())
