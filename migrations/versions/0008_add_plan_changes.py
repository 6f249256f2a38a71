"""Add plan_changes: what each version of a plan changed, and the chain of reasons that led there.

A visit that a version kept has no row; plans that were made before this revision have none either.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "plan_changes",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("grid_month", sa.Integer(), nullable=False),
        sa.Column("was_due_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "change = 'added' OR change = 'moved' OR change = 'withdrawn' OR change = 'flagged' OR change = 'censored'",
            name=op.f("ck_plan_changes_change"),
        ),
        sa.CheckConstraint(
            "origin = 'grid' OR origin = 'catch_up' OR origin = 'suspicious'", name=op.f("ck_plan_changes_origin")
        ),
        sa.ForeignKeyConstraint(
            ["episode_id", "plan_version"],
            ["plans.episode_id", "plans.version"],
            name=op.f("fk_plan_changes_episode_id_plan_version_plans"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_changes")),
    )
    op.create_index(op.f("ix_plan_changes_episode_id"), "plan_changes", ["episode_id"], unique=False)


def downgrade() -> None:
    """Drop the table, and its index with it."""
    op.drop_table("plan_changes")
