"""Results that are kept, what is counted of them, and a quick look into the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """The tables of kept results and of what was counted, and an index of the audit by time."""
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "assessments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("reference", sa.String(200)),
        sa.Column("name", sa.String(200)),
        sa.Column("attempt_of", sa.String(32)),
        sa.Column("chain", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("label_set", sa.String(200), nullable=False),
        sa.Column("department", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("grade", sa.String(16)),
        sa.Column("score", sa.Float),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("speech_s", sa.Float, nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("prompts_raised", sa.Integer, nullable=False),
        sa.Column("prompts_followed", sa.Integer, nullable=False),
        sa.Column("first_usable_s", sa.Float),
        sa.Column("doubt", sa.Float),
        sa.Column("heard", sa.Boolean),
        sa.Column("heard_at", sa.DateTime),
        sa.Column("heard_by", sa.String(64)),
    )
    place = ["site", "ended_at", "id", "verdict", "label_set", "kind", "department"]
    op.create_index("ix_assessments_place", "assessments", place)
    op.create_index("ix_assessments_reference", "assessments", ["site", "reference", "ended_at", "id"])
    op.create_index("ix_assessments_chain", "assessments", ["chain"])
    op.create_index("ix_assessments_ended_at", "assessments", ["ended_at"])
    unheard = sa.text("heard IS NULL AND doubt IS NOT NULL")
    op.create_index(
        "ix_assessments_doubt",
        "assessments",
        ["site", "doubt", "id"],
        sqlite_where=unheard,
        postgresql_where=unheard,
    )
    heard = sa.text("heard IS NOT NULL")
    op.create_index(
        "ix_assessments_heard", "assessments", ["site", "heard_at"], sqlite_where=heard, postgresql_where=heard
    )
    op.create_table(
        "assessment_results",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
    )
    op.create_table(
        "assessment_days",
        sa.Column("site", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("label_set", sa.String(200), primary_key=True),
        sa.Column("department", sa.String(64), primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
    )
