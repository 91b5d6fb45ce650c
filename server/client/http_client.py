"""Asks a server over HTTP, with a deadline for each silence, and says what it answered in words for a person."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from server.errors import ClientError
from server.loopback import is_loopback
from server.values.text import Text

WITHIN_S = 60.0
"""The longest silence of a server that has been asked for little."""

AGAIN = frozenset({408, 409, 429, 502, 503, 504, 507})
"""Statuses after which the same request may succeed later."""

MOST_OF_PROBLEM = 64 * 1024
MOST_OF_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer that tells of one thing, or lists some without their results."""

BLOCK = 64 * 1024
TOO_LONG = "answer_too_long"
UNTRUSTED = "untrusted_certificate"
TRUST_HINT = Text(
    "请用 SSL_CERT_FILE 指定根证书，例如 `tingqing cert` 生成的 ca.crt。",
    "Name the certificate of its authority: SSL_CERT_FILE=FOLDER/ca.crt, of `tingqing cert`.",
)
START_HINT = Text(
    "服务器在运行吗？可用 tingqing serve --data-dir DIR 启动。",
    "Is it running? Start one: tingqing serve --data-dir DIR",
)
FOREIGN_HINT = Text("该地址是听清服务器吗？", "Is it a Tingqing server?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """``status``: ``None`` if there was no answer. ``said``: in the server's words, which say what to do."""

    status: int | None
    code: str
    said: str
    said_zh: str = ""
    retry_after_s: float | None = None

    @property
    def again(self) -> bool:
        """Whether the same may succeed later."""
        return self.code not in (UNTRUSTED, TOO_LONG) and (self.status is None or self.status in AGAIN)


class RefusedError(ClientError):
    """The server refused, or could not be asked."""

    def __init__(self, refusal: Refusal, hint: Text | None = None) -> None:
        told = hint or Text("", "")
        super().__init__(refusal.said, zh=refusal.said_zh, hint=told.en, hint_zh=told.zh)
        self.refusal = refusal


def server_url(url: str) -> str:
    """``http(s)://HOST[:PORT][/PREFIX]``, without a slash at its end. Raises ClientError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        sound = False
    if not sound or parts.username is not None:
        raise ClientError(
            f"--server {url}: not a server address.",
            zh=f"--server {url}：不是服务器地址。",
            hint="For example: --server https://clinic.example",
            hint_zh="例如：--server https://clinic.example",
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


class _Heard:
    """A server may refuse while the body still comes, and close: its answer is there to be read all the same."""

    def request(self, *given: Any, **more: Any) -> None:
        try:
            super().request(*given, **more)  # type: ignore[misc]  # of the connection beside which it is
        except (BrokenPipeError, ConnectionResetError):
            return


class _Connection(_Heard, http.client.HTTPConnection):
    pass


class _SecureConnection(_Heard, http.client.HTTPSConnection):
    pass


class _Handler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Elsewhere nobody has asked for the key."""

    def redirect_request(self, *_given: Any) -> None:
        return None


class HttpClient:
    """``url``: as of ``server_url``; ``key``: of a server with keys. Proxies of the environment are used, except for
    this machine. Every method blocks, and raises RefusedError."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        local = [urllib.request.ProxyHandler({})] if is_loopback(urlsplit(url).hostname or "") else []
        self._opener = urllib.request.build_opener(_Handler, _SecureHandler, _NoRedirects, *local)

    def open(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
        within_s: float = WITHIN_S,
    ) -> BinaryIO:
        """The answer, to be read and closed. ``body`` needs ``Content-Length`` in ``headers``; ``within_s``: the
        longest silence, until the answer begins and in it."""
        sent = self._headers | dict(headers or {})
        request = urllib.request.Request(self.url + path, body, sent, method=method)
        try:
            answer: BinaryIO = self._opener.open(request, timeout=within_s)
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(_refusal(error), _hint(error.code)) from None
        except (OSError, http.client.HTTPException) as error:
            raise self.silent(error) from None
        return answer

    def json(self, path: str, method: str = "GET", *, most: int = MOST_OF_ANSWER) -> Any:
        """What it answers, read. ``None`` where that is nothing. ``most``: bytes; a longer one is refused."""
        with self.open(path, method) as answer:
            return self.parsed(answer, most)

    def parsed(self, answer: BinaryIO, most: int = MOST_OF_ANSWER) -> Any:
        """As ``json``, of an answer that is open."""
        try:
            text = bytearray()
            while block := answer.read(BLOCK):
                text += block
                if len(text) > most:
                    raise self.too_long(most)
            return json.loads(text) if text else None
        except (ValueError, OSError, http.client.HTTPException) as error:
            raise self.silent(error) from None

    def too_long(self, most: int) -> RefusedError:
        """It answered more than ``most`` bytes at once."""
        host, size = urlsplit(self.url).netloc, f"{most / 1e6:.0f} MB"
        en, zh = f"{host} answered more than {size} at once.", f"{host} 的应答超过 {size}。"
        return RefusedError(Refusal(None, TOO_LONG, en, zh), FOREIGN_HINT)

    def silent(self, error: Exception) -> RefusedError:
        """The answer did not come, or broke off."""
        why = str(getattr(error, "reason", None) or error) or type(error).__name__
        host = urlsplit(self.url).netloc
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in (error, getattr(error, "reason", None))):
            en, zh = f"the certificate of {host} is not trusted: {why}.", f"不信任 {host} 的证书：{why}。"
            return RefusedError(Refusal(None, UNTRUSTED, en, zh), TRUST_HINT)
        en, zh = f"no answer of {host}: {why}.", f"{host} 没有应答：{why}。"
        return RefusedError(Refusal(None, "no_answer", en, zh), START_HINT)


def _refusal(error: urllib.error.HTTPError) -> Refusal:
    try:
        told = json.loads(error.read(MOST_OF_PROBLEM))
    except (ValueError, OSError, http.client.HTTPException):
        told = None
    after = error.headers.get("Retry-After", "")
    wait_s = float(after) if after.isdecimal() else None
    if not isinstance(told, dict) or not isinstance(told.get("detail"), str):
        en = f"the server answered HTTP {error.code} {error.reason}."
        return Refusal(error.code, "http", en, f"服务器返回 HTTP {error.code} {error.reason}。", wait_s)
    code, zh = str(told.get("code")), told.get("detail_zh")
    return Refusal(error.code, code, told["detail"], zh if isinstance(zh, str) else "", wait_s)


def _hint(status: int) -> Text | None:
    if status == 401:
        return Text(
            "请在 TINGQING_KEY 里或用 --key 给出本站点的密钥（integrator 或 admin）。",
            "Give the key of the site, integrator or admin, in TINGQING_KEY or with --key.",
        )
    if status == 403:
        return Text(
            "批次需要 integrator 或 admin 角色的密钥。", "Batches need a key with the role integrator or admin."
        )
    return None
