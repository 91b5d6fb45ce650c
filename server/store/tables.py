"""The tables as the code sees them; ``migrations/`` makes them. Times are UTC, without a zone in the column."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from server.store.utc_time import UtcTime

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("site", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(16), primary_key=True),
    Column("secret", LargeBinary(32), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("who", String(64), nullable=False),
    Column("site", String(64), nullable=False),
    Column("act", String(32), nullable=False),
    Column("about", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Index("ix_audit_at", "at"),
)

SAID = text("act IN ('heard.clearly', 'heard.badly')")
Index("ix_audit_said", audit.c.about, audit.c.site, sqlite_where=SAID, postgresql_where=SAID)

running_sessions = Table(
    "running_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(16)),
    Column("wanted_by", String(16)),
    Column("head", LargeBinary, nullable=False),
    Column("core", LargeBinary),
)

running_rows = Table(
    "running_rows",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("rows", LargeBinary, nullable=False),
)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("collected", Boolean, nullable=False),
    Column("resume_digest", String(64)),
    Column("farewell", LargeBinary),
)

announced_sessions = Table(
    "announced_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Column("begun_by", String(16)),
)

assessments = Table(
    "assessments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("day", String(10), nullable=False),
    Column("reference", String(200)),
    Column("name", String(200)),
    Column("attempt_of", String(32)),
    Column("chain", String(32), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("label_set", String(200), nullable=False),
    Column("department", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("verdict", String(16)),
    Column("grade", String(16)),
    Column("score", Float),
    Column("duration_s", Float, nullable=False),
    Column("speech_s", Float, nullable=False),
    Column("reason", String(32)),
    Column("prompts_raised", Integer, nullable=False),
    Column("prompts_followed", Integer, nullable=False),
    Column("first_usable_s", Float),
    Column("doubt", Float),
    Column("heard", Boolean),
    Column("heard_at", UtcTime),
    Column("heard_by", String(64)),
    Column("basis", String(16)),
)
"""``chain``: id of the first attempt, as far as it is known. ``heard``: what a person said who listened to it."""

UNHEARD = text("heard IS NULL AND doubt IS NOT NULL")
HEARD = text("heard IS NOT NULL")
_of = assessments.c
Index("ix_assessments_place", _of.site, _of.ended_at, _of.id, _of.verdict, _of.label_set, _of.kind, _of.department)
Index("ix_assessments_reference", _of.site, _of.reference, _of.ended_at, _of.id)
Index("ix_assessments_chain", _of.chain)
Index("ix_assessments_ended_at", _of.ended_at)
Index("ix_assessments_doubt", _of.site, _of.doubt, _of.id, sqlite_where=UNHEARD, postgresql_where=UNHEARD)
Index("ix_assessments_heard", _of.site, _of.heard_at, sqlite_where=HEARD, postgresql_where=HEARD)

assessment_results = Table(
    "assessment_results",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("labels", Text, nullable=False),
    Column("body", LargeBinary),
    Column("levels", LargeBinary),
)
"""Apart from their rows, which so lie close together and are read quickly."""

assessment_days = Table(
    "assessment_days",
    metadata,
    Column("site", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("label_set", String(200), primary_key=True),
    Column("department", String(64), primary_key=True),
    Column("counts", Text, nullable=False),
)

assessment_sums = Table(
    "assessment_sums",
    metadata,
    Column("site", String(64), primary_key=True),
    Column("period", String(10), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("label_set", String(200), primary_key=True),
    Column("department", String(64), primary_key=True),
    Column("counts", Text, nullable=False),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("events", String(400), nullable=False),
    Column("secret", String(100), nullable=False),
    Column("former_secret", String(100)),
    Column("former_until", UtcTime),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("event_id", String(40), nullable=False),
    Column("endpoint_id", String(32), nullable=False),
    Column("type", String(32), nullable=False),
    Column("site", String(64), nullable=False),
    Column("about", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(16)),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("due_at", UtcTime),
    Column("settled_at", UtcTime),
    Column("status", Integer),
    Column("why", String(64), nullable=False),
    UniqueConstraint("event_id", "endpoint_id"),
    Index("webhook_deliveries_due", "state", "due_at"),
    Index("webhook_deliveries_order", "endpoint_id", "about", "state", "number"),
    sqlite_autoincrement=True,
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("site", String(64), nullable=False),
    Column("reference", String(200)),
    Column("created_at", UtcTime, nullable=False),
    Column("options", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("judged", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("bytes_all", BigInteger, nullable=False),
    Column("bytes_done", BigInteger, nullable=False),
    Column("begun_at", UtcTime),
    Column("finished_at", UtcTime),
    Index("batches_site", "site", "created_at"),
)

batch_files = Table(
    "batch_files",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("batch_id", String(32), nullable=False),
    Column("site", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("path", String(32)),
    Column("size", BigInteger, nullable=False),
    Column("reference", String(200)),
    Column("attempt_of", String(64)),
    Column("state", String(16), nullable=False),
    Column("owner", String(16)),
    Column("tries", Integer, nullable=False),
    Column("settled", Integer),
    Column("verdict", String(16)),
    Column("score", Float),
    Column("result_id", String(32)),
    Column("result", LargeBinary),
    Column("code", String(64)),
    Column("en", Text),
    Column("zh", Text),
    Column("place", String(32)),
    UniqueConstraint("batch_id", "position"),
    Index("batch_files_waiting", "state", "site", "number"),
    Index("batch_files_settled", "batch_id", "settled"),
    Index("batch_files_result", "result_id"),
    sqlite_autoincrement=True,
)

batch_sites = Table(
    "batch_sites",
    metadata,
    Column("site", String(64), primary_key=True),
    Column("turn", BigInteger, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("body", String(64), nullable=False),
    Column("owner", String(16)),
    Column("created_at", UtcTime, nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary),
    Column("site", String(64), nullable=False, server_default=""),
    Index("idempotency_keys_age", "created_at"),
)
