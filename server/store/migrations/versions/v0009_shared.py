"""Databases that several machines share: where the files of batches lie, and texts as SQLite has them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A place for each file; on PostgreSQL, texts of any length, in the order of their bytes."""
    op.add_column("batch_files", sa.Column("place", sa.String(32)))
    bind = op.get_bind()
    if bind.dialect.name != "postgresql":
        return
    inspector = sa.inspect(bind)
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        texts = [column["name"] for column in inspector.get_columns(table) if isinstance(column["type"], sa.String)]
        changes = ", ".join(f'ALTER COLUMN "{name}" TYPE text COLLATE "C"' for name in texts)
        if changes:
            op.execute(f'ALTER TABLE "{table}" {changes}')
