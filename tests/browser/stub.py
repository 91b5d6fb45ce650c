"""A small stand-in for the server: the real pages under the real headers, and a patient's and a doctor's socket
whose every message a test decides. What a real server does only after minutes, or only when it is ill, happens here
at once."""

import asyncio
import json
import queue
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.api import pages
from server.api.requests import Requests
from server.resources import web_client_dir
from server.wire.base import PROTOCOL
from tests.browser import messages

ANSWER_WITHIN_S = 30.0


class StubSocket:
    """One socket as the test sees it: ``got`` (what the page sent, decoded), ``samples`` (of sound, in all) and
    ``samples_before`` (how many had come when the last message of a type came)."""

    def __init__(self, websocket: WebSocket, loop: asyncio.AbstractEventLoop) -> None:
        self._websocket = websocket
        self._loop = loop
        self.got: queue.Queue[dict[str, Any]] = queue.Queue()
        self.start: dict[str, Any] = {}
        self.samples = 0
        self.samples_before: dict[str, int] = {}
        self._sizes: list[int] = []
        self._muted = False
        self._moved = threading.Condition()

    def send(self, *sent: dict[str, Any]) -> None:
        for message in sent:
            self._run(self._websocket.send_text(json.dumps(message)))

    def close(self, code: int) -> None:
        """No effect if the page has already closed it."""
        with suppress(RuntimeError, WebSocketDisconnect):
            self._run(self._websocket.close(code))

    def expect(self, kind: str) -> dict[str, Any]:
        """The next message of this type; others before it are passed over."""
        while True:
            message = self.got.get(timeout=ANSWER_WITHIN_S)
            if message["type"] == kind:
                return message

    def mute(self) -> None:
        """Say nothing of its own accord any more, as a line that went dead without a close."""
        self._muted = True

    def wait_for_samples(self, count: int) -> list[int]:
        """Wait until so many samples came in all; the sizes of their messages."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.samples >= count, ANSWER_WITHIN_S), self.samples
            return list(self._sizes)

    def _took(self, samples: int) -> None:
        with self._moved:
            self.samples += samples
            self._sizes.append(samples)
            self._moved.notify_all()

    def _run(self, work: Awaitable[None]) -> None:
        async def doing() -> None:
            await work

        asyncio.run_coroutine_threadsafe(doing(), self._loop).result(ANSWER_WITHIN_S)

    async def listen(self) -> None:
        """Acknowledges sound as it comes, until the page goes."""
        try:
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is not None:
                    self._took(len(message["bytes"]) // 2)
                    if not self._muted:
                        await self._websocket.send_text(json.dumps({"type": "audio.ack", "samples": self.samples}))
                    continue
                decoded = json.loads(message["text"])
                self.samples_before[decoded["type"]] = self.samples
                self.got.put(decoded)
        except (WebSocketDisconnect, RuntimeError):
            return


class StubServer:
    """Context manager. ``patients`` and ``doctors`` give the sockets in the order in which they were opened. ``link``:
    status and code of the answer to a page that asks for its link; ``looked``: scope and token of each that did."""

    def __init__(self, *, folder: Path | None = None) -> None:
        self.patients: queue.Queue[StubSocket] = queue.Queue()
        self.doctors: queue.Queue[StubSocket] = queue.Queue()
        self.uploads: queue.Queue[str] = queue.Queue()
        self.asked: queue.Queue[str] = queue.Queue()
        self.heard: queue.Queue[bool] = queue.Queue()
        self.looked: queue.Queue[tuple[str, str]] = queue.Queue()
        self.link = (200, "")
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(folder or web_client_dir()), host="127.0.0.1", port=0, log_level="error", lifespan="off"
            )
        )
        self._thread = threading.Thread(target=self._server.run, name="stub-server")

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.02)
            assert self._thread.is_alive(), "the stub did not start"
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def patient(self) -> StubSocket:
        return self.patients.get(timeout=ANSWER_WITHIN_S)

    def doctor(self) -> StubSocket:
        return self.doctors.get(timeout=ANSWER_WITHIN_S)

    def _app(self, folder: Path) -> FastAPI:
        app = FastAPI()
        app.add_middleware(Requests)

        @app.websocket("/v1/stream")
        async def stream(websocket: WebSocket) -> None:
            await self._serve(websocket, self.patients.put)

        @app.websocket("/v1/sessions/{session_id}/observe")
        async def observe(websocket: WebSocket) -> None:
            await self._serve(websocket, self.doctors.put)

        @app.post("/v1/assess")
        async def assess(request: Request) -> JSONResponse:
            async with request.form() as form:
                upload = form["file"]
                assert not isinstance(upload, str)
                self.uploads.put(upload.filename or "")
                self.asked.put(str(form.get("labels", "")))
            return JSONResponse(messages.result())

        @app.post("/v1/sessions/{session_id}/heard")
        async def heard(request: Request) -> JSONResponse:
            self.heard.put((await request.json())["clear"])
            return JSONResponse({"kept": True})

        @app.get("/v1/token")
        async def token(request: Request) -> JSONResponse:
            _, _, bearer = request.headers["authorization"].partition(" ")
            status, code = self.link
            self.looked.put((request.query_params["scope"], bearer))
            return JSONResponse({"code": code, "detail": "as the test says"}, status)

        @app.get("/v1/sign-in")
        async def sign_in() -> JSONResponse:
            return JSONResponse({"needed": False, "site": None})

        @app.get("/v1/label-sets")
        async def label_sets() -> JSONResponse:
            return JSONResponse(messages.label_sets())

        pages.install(app, folder)
        return app

    async def _serve(self, websocket: WebSocket, announce: Callable[[StubSocket], None]) -> None:
        await websocket.accept(PROTOCOL)
        socket = StubSocket(websocket, asyncio.get_running_loop())
        announce(socket)
        await socket.listen()
