"""Where a PostgreSQL database is, as an operator writes it. Needs no driver."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r"postgres(ql)?(\+[a-z0-9]+)?")
_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])?(:\d{1,5})?"
_HOSTS = re.compile(rf"{_HOST}(,{_HOST})*")
_NAME = re.compile(r"/[^/@]+")

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
        return cls(parts._replace(scheme="postgresql").geturl())

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
