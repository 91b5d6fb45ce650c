"""Connections to a PostgreSQL server, and what to do where there are none."""

import ssl
from dataclasses import dataclass

import asyncpg
from asyncpg import exceptions as postgres

from server.errors import StoreError
from server.store.postgresql.url import DatabaseUrl

CONNECT_S = 5.0
"""To one host; each further one that the URL names has as long."""

COMMAND_S = 40.0
"""Longer than ``statement_timeout``: for a line that is dead."""

BOUNDS = {
    "application_name": "tingqing",
    "statement_timeout": "30000",
    "lock_timeout": "5000",
    # Of a process that stands still in the middle of a transaction: its locks are free then.
    "idle_in_transaction_session_timeout": "15000",
    # A machine that lost its power: its locks are free after 25 s.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""Of each session, in ms and s: every wait on the server has an end."""

SNAPSHOT = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
"""Of a session that reads: several statements of one transaction see one state, as in SQLite."""

EACH_STATEMENT = {"default_transaction_isolation": "read committed"}
"""Of a session that writes, whatever the database's own default is: what waited for a lock sees what was written
meanwhile. ``server.store.locking`` relies on it."""

DRIVER_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # TargetServerAttributeNotMatched is one; so is an answer that cannot be understood
)
FAILURES = (OSError, TimeoutError, *DRIVER_FAILURES, ValueError)


async def connect(url: DatabaseUrl, **more: str) -> "asyncpg.Connection[asyncpg.Record]":
    """To the first host that takes writes, never to a standby. ``more``: settings of the session. Raises ``FAILURES``:
    where all hosts fail, what is told is not that one of them is a standby, if another has a trouble of its own."""
    standby, failure = None, None
    for dsn in url.each_host():
        try:
            return await asyncpg.connect(
                dsn,
                timeout=CONNECT_S,
                command_timeout=COMMAND_S,
                server_settings={**BOUNDS, **more},
                target_session_attrs="primary",  # "read-write" would refuse sessions that only read, as of SNAPSHOT
            )
        except asyncpg.TargetServerAttributeNotMatched as error:
            standby = error
        except FAILURES as error:
            failure = failure or error
    raise failure or standby or asyncpg.InterfaceError("the URL names no host")


async def connect_or_fail(url: DatabaseUrl, **more: str) -> "asyncpg.Connection[asyncpg.Record]":
    """The same for a pool. Raises StoreError: the driver's errors would pass through SQLAlchemy as they are."""
    try:
        return await connect(url, **more)
    except FAILURES as error:
        raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a database cannot be used, and the command that mends it. Without the password, and without the driver's
    own text where that could repeat it."""

    en: str
    zh: str
    command: str


def trouble_of(url: DatabaseUrl, error: BaseException) -> Trouble:
    """Of what ``connect`` and statements raise."""
    for kind, en, zh, command in _TROUBLES:
        if isinstance(error, kind):
            names = {"url": url, "name": url.name, "owner": url.user or "USER", "why": _why(error)}
            return Trouble(en.format(**names), zh.format(**names), command.format(**names))
    what = type(error).__name__
    return Trouble(f"it cannot be used ({what})", f"无法使用（{what}）", f"psql {url}")


def _why(error: BaseException) -> str:
    """Of a connection that did not come about: the system says so, never the server."""
    if isinstance(error, TimeoutError):
        return " (no answer in time)"
    return f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""


POOLED = Trouble(
    "a pooler stands between, such as PgBouncer, which does not pass on the settings of a session",
    "中间有 PgBouncer 之类的连接池，它不传递会话设置；请直接连接数据库服务器",
    "psql -c 'SHOW port' on the server itself, and that address and port in the URL",
)

_TROUBLES: tuple[tuple[type[BaseException], str, str, str], ...] = (
    (
        asyncpg.TargetServerAttributeNotMatched,
        "it is a standby, which takes no writes; name the primary, or all hosts (A,B)",
        "它是只读的备库，无法写入；请填写主库地址，或列出全部主机（A,B）",
        "psql {url} -c 'SELECT pg_is_in_recovery()'",
    ),
    (
        postgres.InvalidAuthorizationSpecificationError,
        "it refuses the user {owner}, or the password",
        "服务器拒绝了用户 {owner} 或密码",
        "psql {url}",
    ),
    (postgres.ProtocolViolationError, POOLED.en, POOLED.zh, POOLED.command),
    (
        postgres.InvalidCatalogNameError,
        "there is no database {name}",
        "没有数据库 {name}",
        "createdb --owner {owner} --encoding UTF8 --template template0 {name}",
    ),
    (
        postgres.InsufficientPrivilegeError,
        "the user {owner} may not make or use tables in it",
        "用户 {owner} 无权在其中建表或读写",
        'psql -d {name} -c \'ALTER DATABASE "{name}" OWNER TO "{owner}"\'',
    ),
    (
        postgres.TooManyConnectionsError,
        "it has no connection left",
        "连接数已用完",
        "psql -c 'ALTER SYSTEM SET max_connections = 200'",
    ),
    (
        postgres.LockNotAvailableError,
        "another server has been bringing its tables up to date for minutes",
        "另一个服务器更新数据表已超过数分钟",
        "psql {url} -c 'SELECT pid, state, query FROM pg_stat_activity'",
    ),
    (postgres.CannotConnectNowError, "the server is starting or stopping", "服务器正在启动或停止", "pg_isready"),
    (ssl.SSLError, "no encrypted connection comes about", "无法建立加密连接", "psql '{url}?sslmode=verify-full'"),
    (OSError, "no server answers there{why}", "该处没有数据库服务器应答", "pg_isready"),
)
"""The first that fits. TimeoutError is an OSError."""
