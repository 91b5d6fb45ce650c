"""Running sessions, and the results of those that have just ended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The tables of running and of ended sessions."""
    op.create_table(
        "running_sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(16)),
        sa.Column("wanted_by", sa.String(16)),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("core", sa.LargeBinary),
    )
    op.create_table(
        "running_rows",
        sa.Column("session_id", sa.String(32), primary_key=True),
        sa.Column("part", sa.String(8), primary_key=True),
        sa.Column("first", sa.Integer, primary_key=True),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.DateTime, nullable=False),
        sa.Column("collected", sa.Boolean, nullable=False),
        sa.Column("resume_digest", sa.String(64)),
        sa.Column("farewell", sa.LargeBinary),
    )
