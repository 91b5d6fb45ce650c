"""The pages of patients and doctors and their files; errors for unknown addresses."""

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from server.api.prefix import path_within
from server.api.sockets import refuse
from server.errors import UnknownSessionError

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
"""The file types that are served. The operating system's own table is wrong on some machines."""

ADDRESSES = {
    "/": "index.html",
    "/check": "check.html",
    "/doctor": "doctor.html",
    "/visit": "visit.html",
    "/dashboard": "dashboard.html",
    "/review": "review.html",
    "/upload": "upload.html",
    "/webhooks": "webhooks.html",
}


NOT_SERVED = "examples"
"""Pages of others, which they copy."""

WITH_CAMERA = "microphone=(self), camera=(self), geolocation=(), display-capture=(), payment=(), usb=()"
"""Of the page of a call: the one that may ask for a camera."""


class Pages:
    """Files of one folder, never outside it. Pages are never cached: their URL may hold a session's id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def response(self, name: str) -> FileResponse:
        """Raises HTTPException 404 if the file is missing, not of a served type, or outside the folder."""
        try:
            path = (self._folder / name).resolve()
            inside = path.is_relative_to(self._folder) and not path.is_relative_to(self._folder / NOT_SERVED)
            there = inside and path.is_file()
        except (OSError, ValueError):  # a name with a zero byte, or too long for the file system
            raise HTTPException(404) from None
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None or not there:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-store" if path.suffix == ".html" else "no-cache"}
        if path.name == ADDRESSES["/visit"]:
            headers["Permissions-Policy"] = WITH_CAMERA
        return FileResponse(path, media_type=media_type, headers=headers)


def install(app: FastAPI, folder: Path) -> None:
    """Serve ``ADDRESSES`` and, where no API route matches, the files, so that relative links work from all of them."""
    pages = Pages(folder)

    async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Accept a mistyped address and explain it: a browser shows nothing of a refused upgrade.
            await refuse(
                WebSocket(scope, receive, send),
                UnknownSessionError("No such socket. Use /v1/stream or /v1/sessions/{session_id}/observe."),
            )
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        path = path_within(scope)
        await pages.response(ADDRESSES.get(path, path.removeprefix("/")))(scope, receive, send)

    app.router.default = fallback
