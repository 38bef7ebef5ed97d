"""The page's own files, under names that change with their content, so that a browser may keep them for ever."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from serving.desk import Desk
from serving.errors import RequestError

FOLDER = Path(__file__).with_name("static")
KINDS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_CONTENT = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.suffix in KINDS}
NAMES = {name: f"{Path(name).stem}-{sha256(content).hexdigest()[:12]}{Path(name).suffix}" for name, content in _CONTENT.items()}
"""The name under which each file is served."""
_SERVED = {NAMES[name]: (content, KINDS[Path(name).suffix]) for name, content in _CONTENT.items()}


def address(name: str) -> str:
    """Where the page finds one of its files."""
    return f"/static/{NAMES[name]}"


async def static(_desk: Desk, request: Request, _asked: Any) -> Response:
    """One of the files.

    Raises:
        RequestError: there is none of that name, or none any more.
    """
    found = _SERVED.get(request.path_params["name"])
    if found is None:
        raise RequestError(404, "There is no such file.", "Load the page again: it may have been of an earlier release.")
    content, kind = found
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=kind)
