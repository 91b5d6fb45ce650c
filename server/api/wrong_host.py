"""The page for a browser that calls the server by a name that it does not go by: what the operator has to set."""

import base64
import hashlib
from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import Scope

from server.errors import TingqingError
from server.logs import why

STYLE = (
    "body{font:18px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1d2a2a}"
    "code{background:#f1f5f5;border-radius:4px;padding:.1em .3em;overflow-wrap:anywhere}"
    "section+section{margin-top:2rem;border-top:1px solid #cdd6d6}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}


def page_of(error: TingqingError, scope: Scope) -> HTMLResponse | None:
    """The page for ``error``, in both languages; ``None`` for a program, which gets the problem as JSON. The log has
    its code in the line of the request, as that of a problem."""
    headers = Headers(scope=scope)
    if scope["method"] not in ("GET", "HEAD") or "text/html" not in headers.get("accept", ""):
        return None
    why.set(error.code)
    host = headers.get("host", "")[:253] or "?"
    name, authority = escape(host.rsplit(":", 1)[0] if not host.endswith("]") else host), escape(host)
    text = (
        "<!doctype html><html lang=zh-CN><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>听清 Tingqing</title><style>{STYLE}</style></head><body><h1>听清 Tingqing</h1>"
        f"<section><h2>此服务器不使用 <code>{name}</code> 这个名称</h2>"
        "<p>如果您是患者或医生：请使用医院发给您的链接，或联系发送链接的人。</p>"
        "<p>如果您是管理员，并且这确实是您的服务器的名称：</p>"
        f"<ul><li>前面有反向代理：用 <code>--public-url https://{authority}</code> 启动，"
        "并用 <code>--trust-proxy</code> 写明代理的地址；</li>"
        f"<li>没有代理：用 <code>--allow-host {name}</code> 启动。没有密钥时，服务器只接受本机访问。</li></ul>"
        "</section>"
        f"<section lang=en><h2>This server does not go by the name <code>{name}</code></h2>"
        "<p>Patients and doctors: please use the link that your hospital sent you, or ask whoever sent it.</p>"
        "<p>If you operate this server, and the name is yours:</p>"
        f"<ul><li>behind a proxy: start it with <code>--public-url https://{authority}</code>, and name the proxy's "
        "address with <code>--trust-proxy</code>;</li>"
        f"<li>without one: start it with <code>--allow-host {name}</code>. Without keys a server answers its own "
        "machine only.</li></ul>"
        f"<p>{escape(error.message)}</p></section></body></html>"
    )
    return HTMLResponse(text, status_code=error.http_status, headers=HEADERS)
