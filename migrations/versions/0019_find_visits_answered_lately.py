"""Find visits answered lately: an index of visits that are not open, by the day on which they close."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NOT_OPEN = sa.text("status <> 'open'")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_visits_answered",
        "visits",
        ["closes_on", "due_on", "opens_on"],
        sqlite_where=NOT_OPEN,
        postgresql_where=NOT_OPEN,
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_visits_answered", "visits")
