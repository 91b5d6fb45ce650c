"""Batches of recordings, and the answers of requests that can be repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """The tables of batches, their files, and idempotency keys."""
    op.create_table(
        "batches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("judged", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("bytes_all", sa.BigInteger, nullable=False),
        sa.Column("bytes_done", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
    )
    op.create_index("batches_site", "batches", ["site", "created_at"])
    op.create_table(
        "batch_files",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("path", sa.String(32)),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("attempt_of", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(16)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("settled", sa.Integer),
        sa.Column("verdict", sa.String(16)),
        sa.Column("score", sa.Float),
        sa.Column("result_id", sa.String(32)),
        sa.Column("result", sa.LargeBinary),
        sa.Column("code", sa.String(64)),
        sa.Column("en", sa.Text),
        sa.Column("zh", sa.Text),
        sa.UniqueConstraint("batch_id", "position"),
        sqlite_autoincrement=True,
    )
    op.create_index("batch_files_waiting", "batch_files", ["state", "site", "number"])
    op.create_index("batch_files_settled", "batch_files", ["batch_id", "settled"])
    op.create_index("batch_files_result", "batch_files", ["result_id"])
    op.create_table(
        "batch_sites",
        sa.Column("site", sa.String(64), primary_key=True),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(16)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.LargeBinary),
    )
    op.create_index("idempotency_keys_age", "idempotency_keys", ["created_at"])
