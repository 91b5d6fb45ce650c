"""The patient's page, the doctor's page and their files."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

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
"""What is served at all, and as what: the operating system's own table is wrong on some machines."""

PATIENT_PAGE = "index.html"
DOCTOR_PAGE = "doctor.html"


class Pages:
    """Files of one folder, no deeper than it. Pages are never stored: a page may carry a session's id in its URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def response(self, name: str) -> FileResponse:
        """Raises HTTPException 404 for what is not there, not of a served type, or outside the folder."""
        try:
            path = (self._folder / name).resolve()
        except (OSError, ValueError):  # a name with a zero byte, or too long for the file system
            raise HTTPException(404) from None
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None or not path.is_relative_to(self._folder) or not path.is_file():
            raise HTTPException(404)
        caching = "no-store" if path.suffix == ".html" else "no-cache"
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": caching})


def install(app: FastAPI, folder: Path) -> None:
    """Add ``/``, ``/doctor`` and, behind every other route, the files: relative links work from both pages."""
    pages = Pages(folder)
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def patient() -> FileResponse:
        return pages.response(PATIENT_PAGE)

    @router.api_route("/doctor", methods=["GET", "HEAD"])
    async def doctor() -> FileResponse:
        return pages.response(DOCTOR_PAGE)

    @router.api_route("/{name:path}", methods=["GET", "HEAD"])
    async def file(name: str) -> FileResponse:
        return pages.response(name)

    app.include_router(router)
