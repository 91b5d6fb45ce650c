"""Announced sessions, and which of them were begun."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """The table of announced sessions."""
    op.create_table(
        "announced_sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.Column("begun_by", sa.String(16)),
    )
