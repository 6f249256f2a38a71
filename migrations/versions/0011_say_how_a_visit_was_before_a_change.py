"""Say in plan_changes how the whole visit was before each change, so that any past moment can be asked about.

A person may also call a visit missed: that is a change like the others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
WAS = (
    ("was_opens_on", sa.Date()),
    ("was_closes_on", sa.Date()),
    ("was_procedures", sa.Text()),
    ("was_status", sa.Text()),
)
BEFORE = ("added", "moved", "withdrawn", "flagged", "censored")


def as_it_was() -> sa.Table:
    """The table as revision 0008 left it; SQLite can change a constraint only by building the table anew."""
    return sa.Table(
        "plan_changes",
        sa.MetaData(),
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
        sa.CheckConstraint(words(BEFORE), name=op.f("ck_plan_changes_change")),
        sa.CheckConstraint(
            "origin = 'grid' OR origin = 'catch_up' OR origin = 'suspicious'", name=op.f("ck_plan_changes_origin")
        ),
        sa.ForeignKeyConstraint(
            ["episode_id", "plan_version"],
            ["plans.episode_id", "plans.version"],
            name=op.f("fk_plan_changes_episode_id_plan_version_plans"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_changes")),
        sa.Index("ix_plan_changes_episode_id", "episode_id"),
    )


def words(changes: tuple[str, ...]) -> str:
    """The promise that a change is one of these."""
    return " OR ".join(f"change = '{change}'" for change in changes)


def upgrade() -> None:
    """Add the columns and the word."""
    with op.batch_alter_table("plan_changes", copy_from=as_it_was()) as batch:
        batch.drop_constraint(op.f("ck_plan_changes_change"), type_="check")
        batch.create_check_constraint(op.f("ck_plan_changes_change"), words((*BEFORE, "missed")))
    for name, kind in WAS:
        op.add_column("plan_changes", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drop the columns; a visit called missed is told as withdrawn by the older schema."""
    for name, _ in reversed(WAS):
        op.drop_column("plan_changes", name)
    op.execute("UPDATE plan_changes SET change = 'withdrawn' WHERE change = 'missed'")
    with op.batch_alter_table("plan_changes", copy_from=as_it_was()) as batch:
        batch.drop_constraint(op.f("ck_plan_changes_change"), type_="check")
        batch.create_check_constraint(op.f("ck_plan_changes_change"), words(BEFORE))
