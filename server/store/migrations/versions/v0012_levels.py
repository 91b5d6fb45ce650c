"""How loud each part of a recording was, for the picture in its report."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """One byte for each part, dBFS below zero; those of before have none."""
    op.add_column("assessment_results", sa.Column("levels", sa.LargeBinary()))
