"""The installed Streamlit and Starlette still have the private parts that the adapter uses."""

import ast
import inspect
from io import BytesIO
from pathlib import Path

import pytest
import starlette
import streamlit
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.runtime import Runtime, RuntimeConfig
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.runtime.session_manager import SessionInfo, SessionManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest
from streamlit.web.server import server

from idc.server import streamlit_internals as internals
from tests.support import PROJECT
from tests.support.waiting import run_in_thread

PUBLIC_MODULES = {"streamlit.delta_generator"}
FORM = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--b--\r\n'


def gone(name: str) -> str:
    return f"Streamlit {streamlit.__version__} no longer has {name}"


def attributes(owner: type) -> set[str]:
    return {*dir(owner), *getattr(owner, "__dataclass_fields__", {})}


@pytest.fixture
def live_runtime(monkeypatch):
    """A runtime as the server creates it, not started, with two files of one session."""
    monkeypatch.setattr(Runtime, "_instance", None)
    files = MemoryUploadedFileManager(server.UPLOAD_FILE_ENDPOINT)
    for number, data in enumerate((b"abc", b"de")):
        files.add_file("s", UploadedFileRec(f"{number}", "a.png", "image/png", data))
    return Runtime(
        RuntimeConfig(
            script_path="main.py",
            media_file_storage=MemoryMediaFileStorage("/media"),
            uploaded_file_manager=files,
        )
    )


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (runtime, "exists"),
        (runtime, "get_instance"),
        (Runtime, "uploaded_file_mgr"),
        (Runtime, "is_active_session"),
        (SessionManager, "get_session_info"),
        (SessionInfo, "session"),
        (AppSession, "request_rerun"),
        (MemoryUploadedFileManager, "remove_session_files"),
        (UploadedFileRec, "data"),
        (ScriptRunContext, "session_id"),
        (ScriptRunContext, "is_history_navigation"),
    ],
)
def test_streamlit_has_the_attribute(owner, name):
    assert name in attributes(owner), gone(f"{owner.__name__}.{name}")


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (SessionManager.get_session_info, ["self", "session_id"]),
        (Runtime.is_active_session, ["self", "session_id"]),
        (AppSession.request_rerun, ["self", "client_state"]),
        (MemoryUploadedFileManager.remove_session_files, ["self", "session_id"]),
        (get_script_run_ctx, ["suppress_warning"]),
    ],
)
def test_streamlit_function_has_the_expected_parameters(function, parameters):
    found = list(inspect.signature(function).parameters)

    assert found == parameters, gone(f"{function.__qualname__}({', '.join(parameters)})")


def test_runtime_has_a_session_manager(live_runtime):
    assert hasattr(live_runtime, "_session_mgr"), gone("Runtime._session_mgr")
    assert live_runtime._session_mgr.get_session_info("unknown") is None


def test_upload_manager_has_a_file_storage_by_session(live_runtime):
    storage = getattr(live_runtime.uploaded_file_mgr, "file_storage", None)

    assert storage is not None, gone("MemoryUploadedFileManager.file_storage")
    assert {file_id: file.data for file_id, file in storage["s"].items()} == {
        "0": b"abc",
        "1": b"de",
    }


def test_uploaded_files_are_measured_and_removed_by_session(live_runtime):
    assert internals.uploaded_file_sizes() == {"s": [3, 2]}

    internals.remove_uploaded_files("s")

    assert internals.uploaded_file_sizes() == {}


def test_session_is_looked_up_and_rerun(live_runtime, monkeypatch):
    reruns = []

    class Session:
        def request_rerun(self, client_state):
            reruns.append(client_state)

    sessions = {"open": SessionInfo(client=None, session=Session())}
    monkeypatch.setattr(live_runtime._session_mgr, "get_session_info", sessions.get)
    monkeypatch.setattr(live_runtime._session_mgr, "is_active_session", sessions.__contains__)
    for session in ("open", "unknown"):
        internals.rerun_session(session)

    assert reruns == [None]
    assert internals.is_open_session("open") and not internals.is_open_session("unknown")


def test_no_runtime_means_no_uploads_and_every_session_open(monkeypatch):
    monkeypatch.setattr(Runtime, "_instance", None)

    internals.rerun_session("any")
    internals.remove_uploaded_files("any")

    assert internals.uploaded_file_sizes() == {}
    assert internals.is_open_session("any")
    assert (internals.current_session_id(), internals.is_history_navigation()) == ("", False)


def test_script_run_has_a_session_id():
    def script():
        import streamlit as st

        from idc.server.streamlit_internals import current_session_id, is_history_navigation

        st.text(current_session_id())
        st.text(is_history_navigation())

    at = AppTest.from_function(script).run()

    assert at.text[0].value and at.text[1].value == "False", gone("ScriptRunContext.session_id")


def test_upload_endpoint_is_unchanged():
    assert server.UPLOAD_FILE_ENDPOINT == internals.UPLOAD_ENDPOINT, gone(internals.UPLOAD_ENDPOINT)


@pytest.mark.parametrize("size", [10, 30])
def test_form_file_up_to_the_limit_stays_in_memory(monkeypatch, size):
    monkeypatch.setattr(MultiPartParser, "spool_max_size", MultiPartParser.spool_max_size)
    internals.keep_form_files_in_memory(20)

    file = parsed_form_file(b"x" * size)

    rolled_to_disk = getattr(file, "_rolled", None)
    assert rolled_to_disk is (size > 20), (
        f"Starlette {starlette.__version__} no longer has MultiPartParser.spool_max_size"
    )


def test_only_the_adapter_imports_submodules_of_streamlit():
    importers = {
        str(path.relative_to(PROJECT))
        for folder in ("idc", "pages")
        for path in (PROJECT / folder).rglob("*.py")
        if imports_streamlit_submodule(path)
    }

    assert importers == {"idc/server/streamlit_internals.py"}


def parsed_form_file(data: bytes) -> BytesIO:
    """The file object that Starlette makes of a file in a form."""

    async def body():
        yield FORM % data

    parser = MultiPartParser(Headers({"content-type": "multipart/form-data; boundary=b"}), body())
    return run_in_thread(parser.parse())["file"].file


def imports_streamlit_submodule(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if node.module == "streamlit":
                names += [f"streamlit.{a.name}" for a in node.names if a.name in ("runtime", "web")]
        else:
            continue
        if any(name.startswith("streamlit.") and name not in PUBLIC_MODULES for name in names):
            return True
    return False
