"""What was judged of a kept recording: the room, or the sound as the doctor heard it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Of those of before the result itself says it, where it was kept."""
    op.add_column("assessments", sa.Column("basis", sa.String(16)))
