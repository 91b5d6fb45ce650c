"""Whose an answer is that is given again, so that no site can push out another's."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A site for each; those of before belong to nobody, for their day."""
    kind = sa.Text(collation="C") if op.get_bind().dialect.name == "postgresql" else sa.String(64)
    op.add_column("idempotency_keys", sa.Column("site", kind, nullable=False, server_default=""))
