"""Our own Streamlit components: a ``.py``, a ``.js`` and a ``.css`` file side by side, one stem."""

from pathlib import Path

import streamlit as st

from idc.server.streamlit_internals import ComponentRenderer

_BROWSER = Path(__file__).with_name("browser")


def own_component(file: str, *shared: str) -> ComponentRenderer:
    """Register the component of a Python file; call it once, at module level.

    Args:
        file: the caller's ``__file__``; its ``.js`` and ``.css`` lie beside it.
        shared: stems of files that several components share, beside the caller or in
            ``components/browser``. Their JS and CSS, as far as there is any, goes before the
            component's own: a module without a build step imports nothing.
    """
    own = Path(file)
    return st.components.v2.component(
        f"idc_{own.stem}",
        js=_concatenated(".js", own, shared),
        css=_concatenated(".css", own, shared),
    )


def _concatenated(suffix: str, own: Path, shared: tuple[str, ...]) -> str:
    paths = [_beside(own, f"{stem}{suffix}") for stem in shared] + [own.with_suffix(suffix)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.exists())


def _beside(own: Path, name: str) -> Path:
    path = own.with_name(name)
    return path if path.exists() else _BROWSER / name
