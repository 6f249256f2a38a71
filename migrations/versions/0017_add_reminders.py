"""Add reminders: the ledger of every message that was claimed, tried and heard back of.

That one visit or task is told of once on a rung to one recipient is a promise of the database; so is that a row whose
outcome is not known says why.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
STATES = ("claimed", "sent", "failed", "unknown")
OF_VISIT = ("visit_id", "rung", "occurrence", "recipient")
OF_TASK = ("patient_id", "task", "opened_on", "rung", "occurrence", "recipient")


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table(
        "reminders",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("visit_id", ID),
        sa.Column("task", sa.Text()),
        sa.Column("opened_on", sa.Date()),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("owed_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("may_repeat", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("attempted_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("why", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_reminders_site_id_sites")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_reminders_patient_id_patients")),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.id"], name=op.f("fk_reminders_visit_id_visits")),
        sa.CheckConstraint(" OR ".join(f"state = '{state}'" for state in STATES), name=op.f("ck_reminders_state")),
        sa.CheckConstraint(
            "(visit_id IS NULL) = (task IS NOT NULL) AND (task IS NULL) = (opened_on IS NULL)",
            name=op.f("ck_reminders_subject"),
        ),
        sa.CheckConstraint("occurrence >= 1", name=op.f("ck_reminders_occurrence")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_reminders_attempts")),
        sa.CheckConstraint("state = 'claimed' OR settled_at IS NOT NULL", name=op.f("ck_reminders_settled_says_when")),
        sa.CheckConstraint(
            "state <> 'unknown' OR (attempted_at IS NOT NULL AND why IS NOT NULL)",
            name=op.f("ck_reminders_unknown_says_why"),
        ),
    )
    _index("uq_reminders_one_for_a_visit", OF_VISIT, where="visit_id IS NOT NULL", unique=True)
    _index("uq_reminders_one_for_a_task", OF_TASK, where="visit_id IS NULL", unique=True)
    _index("ix_reminders_not_sent", ("state",), where="state <> 'sent'")
    op.create_index("ix_reminders_of_a_day", "reminders", ["owed_on", "site_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("reminders")


def _index(name: str, columns: tuple[str, ...], *, where: str, unique: bool = False) -> None:
    """An index over some of the rows."""
    condition = sa.text(where)
    op.create_index(name, "reminders", list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition)
