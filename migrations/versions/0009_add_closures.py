"""Add closures: the days on which a site is closed beside its weekends and public holidays, and why.

A due day moves off such a day, inside the visit's window.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "closures",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_closures_site_id_sites")),
        sa.PrimaryKeyConstraint("site_id", "closed_on", name=op.f("pk_closures")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("closures")
