"""Add job_days: the account of each site's day, once for each job.

A day that is not said to be unbalanced adds up: eligible is sent, failed, suppressed and unknown.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JOBS = ("reminders", "plans")
STATES = ("balanced", "unbalanced", "missed")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job_days",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("ran_for", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text()),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("job", "site_id", "ran_for", name=op.f("pk_job_days")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_job_days_site_id_sites")),
        sa.ForeignKeyConstraint(
            ["policy_digest"], ["rule_texts.digest"], name=op.f("fk_job_days_policy_digest_rule_texts")
        ),
        sa.CheckConstraint(" OR ".join(f"job = '{job}'" for job in JOBS), name=op.f("ck_job_days_job")),
        sa.CheckConstraint(" OR ".join(f"state = '{state}'" for state in STATES), name=op.f("ck_job_days_state")),
        sa.CheckConstraint(
            "state = 'unbalanced' OR eligible = sent + failed + suppressed + unknown",
            name=op.f("ck_job_days_eligible_is_accounted_for"),
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("job_days")
