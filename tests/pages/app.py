"""The app as AppTest runs it: the frame script, on one of its pages."""

from streamlit.testing.v1 import AppTest

FRAME = "idc/ui/main.py"


def open_page(name: str, **state: object) -> AppTest:
    """The app with a page open; ``state`` is put into the session first."""
    at = AppTest.from_file(f"../../{FRAME}", default_timeout=60)
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    if name != "home":
        at.switch_page(f"../../pages/{name}.py").run()
    return at


def metrics(at: AppTest) -> dict[str, str]:
    """Label -> value of the figures on the page."""
    return {metric.label: metric.value for metric in at.metric}


def text(at: AppTest) -> str:
    """All prose on the page."""
    return "\n".join(str(element.value) for element in [*at.markdown, *at.caption])
