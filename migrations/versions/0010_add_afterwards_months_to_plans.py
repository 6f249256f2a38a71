"""Add afterwards_months to plans: the interval after the schedule's end, so that a plan can be laid out from its row.

Plans that were made before this revision do not say it; they are decided anew when they are next laid out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("plans", sa.Column("afterwards_months", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("plans", "afterwards_months")
