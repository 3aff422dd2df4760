"""Run the app in AppTest: the main script with one page open."""

import json
from collections.abc import Mapping
from typing import Any

from streamlit.testing.v1 import AppTest

FRAME = "idc/ui/main.py"


def open_page(
    name: str, *, query: Mapping[str, str | list[str]] | None = None, **state: object
) -> AppTest:
    """Open a page of the app with query parameters ``query`` and session state ``state``."""
    # The timeout covers the import of TensorFlow on a busy machine.
    at = AppTest.from_file(f"../../{FRAME}", default_timeout=300)
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    for key, value in (query or {}).items():
        at.query_params[key] = value
    if name != "home":
        at.switch_page(f"../../pages/{name}.py").run()
    return at


def metrics(at: AppTest) -> dict[str, str]:
    """Label -> value of the metrics on the page."""
    return {metric.label: metric.value for metric in at.metric}


def text(at: AppTest) -> str:
    """All text on the page."""
    return "\n".join(str(element.value) for element in [*at.markdown, *at.caption])


def component_data(at: AppTest) -> list[dict[str, Any]]:
    """The data sent to our own components, in page order."""
    return [json.loads(entry.proto.json) for entry in at.get("bidi_component")]
