"""Add events: recurrence, treatment, death, transfer and what else ends or turns surveillance.

Each has the day it happened and the moment it became known. The same event told twice is one row; its detail is empty
rather than missing, because two missing ones would differ.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "events",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
        sa.Column("number", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "event = 'recurrence' OR event = 'curative_treatment' OR event = 'non_curative_treatment'"
            " OR event = 'death' OR event = 'transplant' OR event = 'transfer' OR event = 'transfer_accepted'"
            " OR event = 'lost' OR event = 'last_seen' OR event = 'second_primary' OR event = 'consent_withdrawn'"
            " OR event = 'reopened'",
            name=op.f("ck_events_event"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_events_number")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_events_episode_id_episodes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_events_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "patient_id", "event", "happened_on", "detail", name=op.f("uq_events_patient_id_event_happened_on_detail")
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("events")
