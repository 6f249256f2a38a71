"""Find signed reports by stage, and visits answered lately with what became of them, in indexes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SIGNED, NOT_OPEN = sa.text("state = 'signed'"), sa.text("status <> 'open'")
DAYS = ["closes_on", "due_on", "opens_on"]


def upgrade() -> None:
    """Make the index of signed reports, and the other with one column more."""
    op.create_index(
        "ix_reports_signed",
        "reports",
        ["stage", "resection_id", "signed_at"],
        sqlite_where=SIGNED,
        postgresql_where=SIGNED,
    )
    _index_visits([*DAYS, "status"])


def downgrade() -> None:
    """Make the indexes as they were."""
    _index_visits(DAYS)
    op.drop_index("ix_reports_signed", "reports")


def _index_visits(columns: list[str]) -> None:
    op.drop_index("ix_visits_answered", "visits")
    op.create_index("ix_visits_answered", "visits", columns, sqlite_where=NOT_OPEN, postgresql_where=NOT_OPEN)
