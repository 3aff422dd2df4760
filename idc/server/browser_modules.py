"""The JavaScript modules of the components, served below ``modules/<hash>/``.

The hash covers the contents of all modules. A module imports others by relative paths, so they stay
below the same hash, and browsers may keep them for good. The modules are read once, at import: what
is served always matches the hash.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_ROOT = Path(__file__).parents[1] / "ui"
_FOLDER = "modules"
_CACHE_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable"}


def _read_modules(root: Path) -> dict[str, bytes]:
    """Path below ``root`` -> content, for each JavaScript file."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.js"))
    }


def _content_hash(modules: Mapping[str, bytes]) -> str:
    """16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for path, content in modules.items():
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


MODULES = _read_modules(_ROOT)
_HASH = _content_hash(MODULES)


def module_url(file: Path) -> str:
    """The address of a module, relative to the address of the app.

    Args:
        file: a JavaScript file below ``idc/ui``.
    """
    return f"{_FOLDER}/{_HASH}/{file.resolve().relative_to(_ROOT.resolve()).as_posix()}"


async def browser_module(request: Request) -> Response:
    """One module; 404 for any other path or hash."""
    content = MODULES.get(request.path_params["path"])
    if content is None or request.path_params["hash"] != _HASH:
        return PlainTextResponse("No such module.", status_code=404)
    return Response(content, media_type="text/javascript", headers=_CACHE_FOR_GOOD)


# `base` is what `server.baseUrlPath` or a proxy puts before the app; Streamlit adds it to its own
# routes only.
module_route = Route(f"/{{base:path}}{_FOLDER}/{{hash}}/{{path:path}}", browser_module)
