"""Where a PostgreSQL database is, as an operator writes it. Needs no driver."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_SCHEME = re.compile(r"postgres(ql)?(\+[a-z0-9]+)?")
_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])?(:\d{1,5})?"
_HOSTS = re.compile(rf"{_HOST}(,{_HOST})*")
_NAME = re.compile(r"/[^/@]+")

WRITABLE = ("any", "primary", "read-write")
"""Values of ``target_session_attrs`` that a database which is written may have; all are taken for ``primary``."""

WRITE = "write postgresql://USER@HOST:5432/NAME"
WRITE_ZH = "请写成 postgresql://USER@HOST:5432/NAME"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """Made by ``of``. ``dsn`` is for the driver and has the password; ``str`` and ``repr`` leave it out."""

    dsn: str = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "DatabaseUrl":
        """``postgresql://``, ``postgres://`` or, as SQLAlchemy writes it, with a driver's name, which does not count;
        the rest as libpq reads it. Raises ValueError, whose text repeats nothing of what was given."""
        parts = urlsplit(text.strip())
        if _SCHEME.fullmatch(parts.scheme) is None:
            raise ValueError(f"not a PostgreSQL database; {WRITE}. 不是 PostgreSQL 数据库地址，{WRITE_ZH}。")
        if _HOSTS.fullmatch(parts.netloc.rpartition("@")[2]) is None or parts.fragment:
            raise ValueError(
                f"{WRITE}, with signs such as / : @ # in the password percent-encoded (%2F %3A %40 %23). "
                f"{WRITE_ZH}，密码中的 / : @ # 等符号请用百分号编码。"
            )
        if _NAME.fullmatch(parts.path) is None:
            raise ValueError(f"it names no database; {WRITE}. 缺少数据库名，{WRITE_ZH}。")
        if dict(parse_qsl(parts.query)).get("target_session_attrs", "any") not in WRITABLE:
            raise ValueError(
                "target_session_attrs must be primary or read-write, because the server writes; or leave it out. "
                "target_session_attrs 只能是 primary 或 read-write，因为服务器要写入；也可以省略。"
            )
        return cls(parts._replace(scheme="postgresql").geturl())

    def with_hosts(self, hosts: str, ports: str) -> "DatabaseUrl":
        """With several hosts that libpq reads from ``PGHOST`` and ``PGPORT``, if it names none itself: from there the
        driver would give all of them together the time of one."""
        parts = urlsplit(self.dsn)
        options = dict(parse_qsl(parts.query))
        if "," not in hosts or parts.netloc.rpartition("@")[2] or "host" in options:
            return self
        named = {"host": hosts, **({"port": ports} if ports else {}), **options}
        return DatabaseUrl(parts._replace(query=urlencode(named, quote_via=quote)).geturl())

    def each_host(self) -> list[str]:
        """``dsn`` for the driver, once for each host that it names, in their order."""
        parts = urlsplit(self.dsn)
        credentials, at, hosts = parts.netloc.rpartition("@")
        if hosts:
            return [parts._replace(netloc=f"{credentials}{at}{host}").geturl() for host in hosts.split(",")]
        options = dict(parse_qsl(parts.query))
        named = options.get("host", "").split(",")
        ports = options.get("port", "").split(",")
        if len(named) == 1 or len(ports) not in {1, len(named)}:
            return [self.dsn]
        ports *= 1 if len(ports) == len(named) else len(named)
        return [
            parts._replace(query=urlencode(options | {"host": host, "port": port}, quote_via=quote)).geturl()
            for host, port in zip(named, ports, strict=True)
        ]

    @property
    def name(self) -> str:
        """Of the database."""
        return unquote(urlsplit(self.dsn).path[1:])

    @property
    def user(self) -> str:
        """As written; empty: who runs the server."""
        return unquote(urlsplit(self.dsn).netloc.rpartition("@")[0].partition(":")[0])

    def __str__(self) -> str:
        """For people: without password and options."""
        hosts = urlsplit(self.dsn).netloc.rpartition("@")[2]
        return f"postgresql://{self.user + '@' if self.user else ''}{hosts}/{self.name}"
