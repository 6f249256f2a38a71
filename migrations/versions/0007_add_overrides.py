"""Add overrides: what a clinician decided against the plan, why, and until when.

On the intensity or on one visit; it stands beside the plans, so that it survives re-planning and can be counted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "overrides",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("intensity", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("grid_month", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind = 'intensity' OR kind = 'visit'", name=op.f("ck_overrides_kind")),
        sa.CheckConstraint(
            "intensity = 'basic' OR intensity = 'standard' OR intensity = 'intensive'",
            name=op.f("ck_overrides_intensity"),
        ),
        sa.CheckConstraint(
            "origin = 'grid' OR origin = 'catch_up' OR origin = 'suspicious'", name=op.f("ck_overrides_origin")
        ),
        sa.CheckConstraint(
            "kind <> 'intensity' OR"
            " (intensity IS NOT NULL AND origin IS NULL AND grid_month IS NULL AND due_on IS NULL)",
            name=op.f("ck_overrides_of_intensity_names_it_only"),
        ),
        sa.CheckConstraint(
            "kind <> 'visit' OR (intensity IS NULL AND origin IS NOT NULL AND grid_month IS NOT NULL)",
            name=op.f("ck_overrides_of_visit_names_it_only"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_overrides_ended_by_somebody")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_overrides_episode_id_episodes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
    )
    op.create_index(op.f("ix_overrides_episode_id"), "overrides", ["episode_id"], unique=False)


def downgrade() -> None:
    """Drop the table, and its index with it."""
    op.drop_table("overrides")
