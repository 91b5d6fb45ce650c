"""The prefix under which a proxy has this server (``--root-path /tingqing``): every address stays within it."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Prefix:
    """ASGI middleware. The proxy may cut the prefix off or pass it on, and who comes without a proxy needs none.

    ASGI wants the prefix in ``root_path`` and in ``path`` as well; Starlette looks routes up behind it.
    """

    def __init__(self, app: ASGIApp, *, root: str) -> None:
        """``root``: with a slash before it and none behind it."""
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point. ``/tingqing`` itself leads to ``/tingqing/``, where relative links work."""
        if scope["type"] in ("http", "websocket"):
            path = scope["path"]
            if path == self._root and scope["type"] == "http":
                query = scope["query_string"].decode("latin-1")
                await RedirectResponse(f"{self._root}/{'?' + query if query else ''}")(scope, receive, send)
                return
            scope["root_path"] = self._root
            if not path.startswith(f"{self._root}/"):
                scope["path"] = self._root + path
        await self._app(scope, receive, send)


def path_within(scope: Scope) -> str:
    """The path behind the prefix, as our own addresses have it: ``/doctor``."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
