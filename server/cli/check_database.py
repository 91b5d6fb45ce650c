"""Whether the database can be used: of a data folder, or a PostgreSQL server. Only looks; opening it as the server does
would change its tables."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from server.cli.finding import Finding

if TYPE_CHECKING:
    from server.settings import Settings
    from server.store.postgresql.url import DatabaseUrl

NEEDS_DRIVER = "pip install 'tingqing[postgresql]'"


def check_database(settings: "Settings") -> Finding:
    """One finding, with the command that mends it."""
    from server.store.postgresql.url import DatabaseUrl

    where = settings.kept_at
    if isinstance(where, DatabaseUrl):
        return _on_postgresql(where)
    if where is None:
        return Finding(
            "database",
            "warn",
            "没有数据目录，因此没有密钥。",
            "There is no data folder, and so no keys.",
            "tingqing serve --data-dir DIR",
        )
    return _in_folder(where)


def _in_folder(folder: Path) -> Finding:
    from server.store.sqlite import FILE

    path = folder / FILE
    if not path.is_file():
        command = f"tingqing keys create --site NAME --role admin --data-dir {folder}"
        return Finding(
            "database", "warn", "还没有数据库，因此没有密钥。", "There is no database yet, and so no keys.", command
        )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
            (found,) = connection.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        return Finding(
            "database",
            "fail",
            f"数据库已损坏：{found}",
            f"The database is damaged: {found}",
            "tingqing restore FILE --force",
        )
    return Finding("database", "ok", "数据库完好。", "The database is intact.")


def _on_postgresql(url: "DatabaseUrl") -> Finding:
    import asyncio

    try:
        from server.store.postgresql.looking import look
    except ModuleNotFoundError as error:
        zh, en = f"缺少 PostgreSQL 驱动 {error.name}。", f"The driver for PostgreSQL, {error.name}, is not installed."
        return Finding("database", "fail", zh, en, NEEDS_DRIVER)
    seen = asyncio.run(look(url))
    if seen.trouble is not None:
        zh, en = f"数据库 {url}：{seen.trouble.zh}。", f"The database {url}: {seen.trouble.en}."
        return Finding("database", "fail", zh, en, seen.trouble.command)
    if seen.revision is None:
        return Finding(
            "database",
            "warn",
            f"PostgreSQL {seen.version} 可用，但还没有数据表，因此没有密钥。",
            f"PostgreSQL {seen.version} answers; it has no tables yet, and so no keys.",
            "tingqing keys create --site NAME --role admin",
        )
    if seen.behind:
        return Finding(
            "database",
            "warn",
            f"PostgreSQL {seen.version} 可用，数据表是旧版（{seen.revision}），下次启动时更新。",
            f"PostgreSQL {seen.version} answers; its tables are older ({seen.revision}), the next start updates them.",
            "systemctl restart tingqing",
        )
    zh = f"PostgreSQL {seen.version} 可用，数据表为 {seen.revision} 版，权限齐全。"
    en = f"PostgreSQL {seen.version} answers; its tables ({seen.revision}) are up to date, and may be read and written."
    return Finding("database", "ok", zh, en)
