"""Add examinations: what was done and found at follow-up.

A correction, a result that came in and a deletion are new versions of the same examination, so that what was known at
any moment can be told.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "examinations",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("procedure", sa.Text(), nullable=False),
        sa.Column("performed_on", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result_status", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("recurrence_sites", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint("state = 'recorded' OR state = 'deleted'", name=op.f("ck_examinations_state")),
        sa.CheckConstraint(
            "result_status = 'pending' OR result_status = 'final'", name=op.f("ck_examinations_result_status")
        ),
        sa.CheckConstraint(
            "finding = 'no_recurrence' OR finding = 'indeterminate' OR finding = 'suspicious'"
            " OR finding = 'inadequate' OR finding = 'intrahepatic_recurrence'"
            " OR finding = 'extrahepatic_recurrence' OR finding = 'both'",
            name=op.f("ck_examinations_finding"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_examinations_number")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_examinations_version")),
        sa.CheckConstraint(
            "result_status <> 'final' OR finding IS NOT NULL OR value IS NOT NULL",
            name=op.f("ck_examinations_final_has_a_finding_or_value"),
        ),
        sa.CheckConstraint("version = 1 OR reason IS NOT NULL", name=op.f("ck_examinations_correction_has_a_reason")),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (reviewed_by IS NULL)", name=op.f("ck_examinations_reviewed_by_somebody")
        ),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_examinations_episode_id_episodes")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_examinations_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_examinations")),
        sa.UniqueConstraint(
            "patient_id",
            "procedure",
            "performed_on",
            "number",
            "version",
            name="uq_examinations_one_of_each_version",
        ),
    )
    op.create_index(op.f("ix_examinations_episode_id"), "examinations", ["episode_id"], unique=False)


def downgrade() -> None:
    """Drop the table, and its index with it."""
    op.drop_table("examinations")
