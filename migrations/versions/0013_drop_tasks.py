"""Drop tasks: what somebody has to do follows from what is recorded, and is worked out for the day that is asked about.

No release had a command that wrote a row. A table beside the facts could disagree with them, and could not say what
was open on a past day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Drop the table, and its index with it."""
    op.drop_table("tasks")


def downgrade() -> None:
    """Make the table, and the narrow index of the worklist."""
    op.create_table(
        "tasks",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind = 'treatment_decision' OR kind = 'hand_over' OR kind = 'unread_result' OR kind = 'marker_rise'"
            " OR kind = 'surgeon_decision' OR kind = 'lost_contact' OR kind = 'second_primary'"
            " OR kind = 'pathology_overdue' OR kind = 'provisional_too_long'",
            name=op.f("ck_tasks_kind"),
        ),
        sa.CheckConstraint(
            "(closed_on IS NULL) = (closed_by IS NULL) AND (closed_on IS NULL) = (closed_because IS NULL)",
            name=op.f("ck_tasks_closed_says_by_whom_and_why"),
        ),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_tasks_episode_id_episodes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_tasks_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("episode_id", "kind", "source", name=op.f("uq_tasks_episode_id_kind_source")),
    )
    is_open = sa.text("closed_on IS NULL")
    op.create_index(
        "ix_tasks_open_by_due_on", "tasks", ["due_on"], unique=False, sqlite_where=is_open, postgresql_where=is_open
    )
