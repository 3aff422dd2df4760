"""The route that serves the components' JavaScript modules."""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette

import idc.ui
from idc.server.browser_modules import MODULES, module_route, module_url
from tests.support.waiting import run_in_thread

UI = Path(idc.ui.__file__).parent
IMPORT = re.compile(r'^(?:import|export)\b[^;"]*?from "([^"]+)";', re.MULTILINE)


def get(path):
    """The response of the route: status, headers, body."""
    messages = []

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": unquote(path), "headers": []}
    run_in_thread(Starlette(routes=[module_route])(scope, None, send))
    start, *parts = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, b"".join(part["body"] for part in parts)


@pytest.mark.parametrize("path", MODULES)
def test_module_is_served_as_cacheable_javascript(path):
    status, headers, body = get("/" + module_url(UI / path))

    assert status == 200
    assert body == (UI / path).read_bytes()
    assert headers["content-type"].split(";")[0] == "text/javascript"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"


def test_module_is_served_below_a_base_path():
    assert get("/lab/" + module_url(UI / "play/board.js"))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "play/board.py",
        "play/board.css",
        "play/missing.js",
        "../server/app.py",
        "%2e%2e/server/app.py",
        "/etc/passwd",
        "",
    ],
)
def test_other_paths_are_refused(path):
    served = module_url(UI / "play/board.js")

    assert get("/" + served.removesuffix("play/board.js") + path)[0] == 404


def test_module_of_another_hash_is_refused():
    served = module_url(UI / "play/board.js")
    folder, content_hash, path = served.split("/", 2)

    assert get(f"/{folder}/{content_hash[::-1]}/{path}")[0] == 404


@pytest.mark.parametrize("path", MODULES)
def test_each_import_resolves_to_a_served_module(path):
    imported = IMPORT.findall(MODULES[path].decode())

    assert all(target.startswith(("./", "../")) for target in imported)
    folder = posixpath.dirname(path)
    assert {posixpath.normpath(posixpath.join(folder, target)) for target in imported} <= set(
        MODULES
    )
