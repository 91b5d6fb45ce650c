"""A model hub on this machine: as much of its HTTP API as a download asks for, and what can go wrong with it."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from server.model.clap.cache import CLAP_ID

COMMIT = "0123456789012345678901234567890123456789"


class FakeHub(ThreadingHTTPServer):
    """Speaks what huggingface_hub needs: model info by revision, HEAD and GET with ETag, X-Repo-Commit and Range.

    Fake because the real one needs a network. ``sha256``: what it says of the weights, where that is not the truth.
    ``instead``: what it sends for a file, while it tells the truth about it. ``cut_after``: bytes after which it
    drops the line, whatever it sends. ``status``: refuses everything with it. ``ranges`` and ``asked``: first bytes
    and revisions that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self.sha256: str | None = None
        self.instead: dict[str, bytes] = {}
        self.cut_after: int | None = None
        self.status: int | None = None
        self.ranges: list[int] = []
        self.asked: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        name = path.rsplit("/", 1)[-1]
        if self.server.status is not None:
            self.send_error(self.server.status)
        elif path.startswith("/api/models/") and "/tree/" in path:
            entries = [{"type": "file", "path": n, "size": len(c), "oid": git_name(c)} for n, c in self._files()]
            self._send(json.dumps(entries).encode(), body, "application/json")
        elif revision := re.fullmatch(r"/api/models/[^/]+/[^/]+/revision/([^/]+)", path):
            if body and revision[1] != COMMIT:
                self.server.asked.append(revision[1])
            siblings = [self._sibling(n, c) for n, c in self._files()]
            about = {"id": CLAP_ID, "modelId": CLAP_ID, "sha": COMMIT, "siblings": siblings, "tags": []}
            self._send(json.dumps(about | {"private": False, "downloads": 0, "likes": 0}).encode(), body, "json")
        elif f"/resolve/{COMMIT}/" in path and name in self.server.content:
            told = self.server.content[name]
            self._send(self.server.instead.get(name, told), body, "application/octet-stream", told)
        else:
            self.send_error(404)

    def _files(self) -> list[tuple[str, bytes]]:
        return list(self.server.content.items())

    def _sibling(self, name: str, content: bytes) -> dict[str, object]:
        about: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": git_name(content)}
        if name.startswith(("model.", "pytorch_model.")):
            told = self.server.sha256 or hashlib.sha256(content).hexdigest()
            about["lfs"] = {"size": len(content), "sha256": told, "pointerSize": 134}
        return about

    def _send(self, content: bytes, body: bool, kind: str, told: bytes | None = None) -> None:
        first = 0
        if wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            first = int(wanted[1])
            self.server.ranges.append(first)
        self.send_response(206 if first else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hashlib.sha256(told or content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if not body:
            return
        cut = self.server.cut_after
        self.wfile.write(content[first:] if cut is None or kind == "json" else content[first : max(first, cut)])
        self.close_connection = cut is not None


def git_name(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
