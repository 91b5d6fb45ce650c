"""What a restored database takes over from the one that it replaces, so that what was revoked since stays revoked."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from server.access.audit import Act
from server.store.sum_rows import rebuild

REVOKE = """
    UPDATE main.api_keys SET revoked_at = (
        SELECT min(coalesce(main.api_keys.revoked_at, o.revoked_at), o.revoked_at)
        FROM old.api_keys o WHERE o.id = main.api_keys.id)
    WHERE id IN (SELECT id FROM old.api_keys WHERE revoked_at IS NOT NULL)"""
RECORDS = ("assessments", "assessment_results", "assessment_days")
"""Kept results, which are in no backup, and what was counted, of which the replaced database has the latest."""

AUDIT = "at, who, site, act, about, address"


def tables_of(connection: sqlite3.Connection, schema: str = "main") -> set[str]:
    """The names of its tables; those of an older version lack some."""
    return {name for (name,) in connection.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")}


def carry_over(old: Path, new: sqlite3.Connection) -> None:
    """Revoke in ``new`` what ``old`` has revoked, drop the signing keys that it had dropped, and add its later audit
    and its results.

    All or nothing. ``new`` commits by itself (``isolation_level=None``). Raises sqlite3.DatabaseError if ``old`` cannot
    be read.
    """
    new.execute("ATTACH ? AS old", (f"{old.resolve().as_uri()}?mode=ro",))
    try:
        both = tables_of(new) & tables_of(new, "old")
        new.execute("BEGIN IMMEDIATE")
        try:
            if "api_keys" in both:
                new.execute(REVOKE)
            if "signing_keys" in both:
                # One that has none yet never dropped any.
                new.execute(
                    "DELETE FROM main.signing_keys WHERE kid NOT IN (SELECT kid FROM old.signing_keys) "
                    "AND EXISTS (SELECT 1 FROM old.signing_keys)"
                )
            if "audit" in both:
                _add_audit(new)
            for table in RECORDS:
                if table in both and _columns(new, "main", table) == _columns(new, "old", table):
                    new.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM old.{table}")
            if "assessment_sums" in tables_of(new):  # otherwise its migration makes them
                rebuild(new)
            new.execute("COMMIT")
        except BaseException:
            if new.in_transaction:
                new.execute("ROLLBACK")
            raise
    finally:
        new.execute("DETACH old")


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [name for _, name, *_ in connection.execute(f"PRAGMA {schema}.table_info({table})")]


def _add_audit(new: sqlite3.Connection) -> None:
    """Entries after the last of the backup, if both have one history. Without acts that this version cannot read."""
    last = new.execute(f"SELECT id, {AUDIT} FROM main.audit ORDER BY id DESC LIMIT 1").fetchone()
    if last is not None and new.execute(f"SELECT id, {AUDIT} FROM old.audit WHERE id = ?", last[:1]).fetchone() != last:
        return
    known = ", ".join("?" * len(Act))
    new.execute(
        f"INSERT INTO main.audit (id, {AUDIT}) SELECT id, {AUDIT} FROM old.audit WHERE id > ? AND act IN ({known})",
        (0 if last is None else last[0], *map(str, Act)),
    )


def write_restored(new: sqlite3.Connection) -> None:
    """An entry in the audit: that a backup was put back, now."""
    if "audit" in tables_of(new):
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")  # as SQLAlchemy writes it
        row = (at, "operator", "", str(Act.DATABASE_RESTORED), "", "")
        new.execute(f"INSERT INTO audit ({AUDIT}) VALUES (?, ?, ?, ?, ?, ?)", row)
