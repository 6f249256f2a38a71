"""Add bookings: the appointment of a visit, each change of it a new version.

A cancelled appointment and a no-show are facts of their own, and say why.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "bookings",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("visit_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("at", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint("at LIKE '__:__'", name=op.f("ck_bookings_at")),
        sa.CheckConstraint(
            "state = 'booked' OR state = 'cancelled' OR state = 'missed' OR state = 'kept'",
            name=op.f("ck_bookings_state"),
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_bookings_version")),
        sa.CheckConstraint(
            "(state <> 'cancelled' AND state <> 'missed') OR reason IS NOT NULL",
            name=op.f("ck_bookings_not_kept_says_why"),
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_bookings_visit_id_visits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("visit_id", "version", name=op.f("uq_bookings_visit_id_version")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("bookings")
