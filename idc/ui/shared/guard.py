"""The guard around all that draws: an error becomes one sentence on the page, never a traceback.

`idc.ui.main` guards every page; fragments and callbacks run outside of the page's script, so each
has a guard of its own. ``tests/ui/shared/test_guard.py`` finds any without one.
"""

import contextlib
import functools
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, overload

import streamlit as st

from idc.errors import IdcError, file_error_sentence
from idc.ui.shared.formatting import escape_markdown

_Parameters = ParamSpec("_Parameters")
_Returned = TypeVar("_Returned")

_LOGGER = logging.getLogger(__name__)


@contextlib.contextmanager
def error_sentences() -> Iterator[None]:
    """Show any exception of the ``with`` block as a sentence.

    An `IdcError` is its own sentence. The system's errors name the file. All others are bugs: their
    traceback goes to the log, under a reference that the sentence states. Streamlit's rerun and
    stop are no `Exception` and pass.
    """
    try:
        yield
    except IdcError as error:
        show_error(str(error))
    except Exception as error:
        reference = secrets.token_hex(4)
        _LOGGER.exception("Error %s on a page", reference)
        sentence = file_error_sentence(error) if isinstance(error, OSError) else None
        show_error(
            sentence
            or "This part could not be shown because of an error in IDC Lab or in a file. The "
            f"server's output has the details (reference {reference})."
        )


def show_error(sentence: str) -> None:
    """Show a sentence that may quote a visitor's text."""
    st.error(escape_markdown(sentence), icon=":material/error:")


def guarded(
    draw: Callable[_Parameters, _Returned],
) -> Callable[_Parameters, _Returned | None]:
    """Decorate a page or a callback: it shows its errors as sentences, and returns None then."""

    @functools.wraps(draw)
    def guarded_draw(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Returned | None:
        with error_sentences():
            return draw(*args, **kwargs)
        return None

    return guarded_draw


@overload
def guarded_fragment(
    draw: Callable[_Parameters, _Returned],
    *,
    run_every: float | None = None,
    key: str | None = None,
) -> Callable[_Parameters, _Returned | None]: ...
@overload
def guarded_fragment(
    draw: None = None, *, run_every: float | None = None, key: str | None = None
) -> Callable[[Callable[_Parameters, _Returned]], Callable[_Parameters, _Returned | None]]: ...
def guarded_fragment(
    draw: Callable[..., Any] | None = None,
    *,
    run_every: float | None = None,
    key: str | None = None,
) -> Any:
    """`streamlit.fragment` with the guard; like it a decorator with or without arguments.

    Each fragment is drawn alone in a container. Without it, a fragment that reruns right after the
    whole page can replace its neighbour: Streamlit drops the page's unsent copy of the fragment,
    the browser removes the old one, what follows moves up, and the rerun is drawn in its place.
    """
    if draw is None:
        return functools.partial(guarded_fragment, run_every=run_every, key=key)
    fragment = st.fragment(guarded(draw), run_every=run_every, key=key)

    @functools.wraps(draw)
    def draw_alone(*args: Any, **kwargs: Any) -> Any:
        with st.container():
            return fragment(*args, **kwargs)

    return draw_alone
