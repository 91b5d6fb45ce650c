"""Sums of what was counted, by day and by month, and an index of what doctors said of sessions."""

import sqlalchemy as sa
from alembic import op

from server.store.sum_rows import COLUMNS, DAYS, sums_of

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """The table, with the sums of what was counted so far, and the index."""
    said = sa.text("act IN ('heard.clearly', 'heard.badly')")
    op.create_index("ix_audit_said", "audit", ["about", "site"], sqlite_where=said, postgresql_where=said)
    postgresql = op.get_bind().dialect.name == "postgresql"

    def written(most: int) -> sa.String:
        """As version 9 has all texts."""
        return sa.Text(collation="C") if postgresql else sa.String(most)

    table = op.create_table(
        "assessment_sums",
        sa.Column("site", written(64), primary_key=True),
        sa.Column("period", written(10), primary_key=True),
        sa.Column("kind", written(8), primary_key=True),
        sa.Column("label_set", written(200), primary_key=True),
        sa.Column("department", written(64), primary_key=True),
        sa.Column("counts", sa.Text(collation="C") if postgresql else sa.Text(), nullable=False),
    )
    days = [tuple(row) for row in op.get_bind().execute(sa.text(DAYS))]
    if sums := sums_of(days):
        op.bulk_insert(table, [dict(zip(COLUMNS, row, strict=True)) for row in sums])
