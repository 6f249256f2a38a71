"""Add not_obtainable to reports: the findings that the signer says cannot be had, each with the reason (JSON object).

Reports that were made before this revision say it of none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("reports", sa.Column("not_obtainable", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("reports", "not_obtainable")
