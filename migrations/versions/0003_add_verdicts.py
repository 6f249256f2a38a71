"""Add verdicts: what each examination counts for, and why.

Matching derives them and can derive them again; they are kept so that an audit finds what was shown.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "verdicts",
        sa.Column("examination_id", ID, autoincrement=False, nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("visit_id", ID, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "verdict = 'early' OR verdict = 'satisfies' OR verdict = 'late' OR verdict = 'extra'"
            " OR verdict = 'inadequate' OR verdict = 'after_end' OR verdict = 'before_start' OR verdict = 'in_future'",
            name=op.f("ck_verdicts_verdict"),
        ),
        sa.CheckConstraint(
            "visit_id IS NOT NULL OR (verdict <> 'early' AND verdict <> 'satisfies' AND verdict <> 'late')",
            name=op.f("ck_verdicts_answers_a_visit"),
        ),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_verdicts_episode_id_episodes")),
        sa.ForeignKeyConstraint(
            ["examination_id"], ["examinations.id"], name=op.f("fk_verdicts_examination_id_examinations")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_verdicts_visit_id_visits")),
        sa.PrimaryKeyConstraint("examination_id", name=op.f("pk_verdicts")),
    )
    op.create_index(op.f("ix_verdicts_episode_id"), "verdicts", ["episode_id"], unique=False)


def downgrade() -> None:
    """Drop the table, and its index with it."""
    op.drop_table("verdicts")
