"""Add recipients: the staff of a site who are told, by role; each change of one is a new version.

The address is encrypted and bound to its row; it is missing where the channel needs none. No code is `site`: a reminder
to `coordinator:site` is to a site that has no coordinator.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "recipients",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "role = 'coordinator' OR role = 'clinician' OR role = 'surgeon' OR role = 'site_lead'",
            name=op.f("ck_recipients_role"),
        ),
        sa.CheckConstraint("state = 'active' OR state = 'withdrawn'", name=op.f("ck_recipients_state")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_recipients_version")),
        sa.CheckConstraint(only_of("code", f"{LETTERS}0123456789-"), name=op.f("ck_recipients_code")),
        sa.CheckConstraint("code <> 'site'", name=op.f("ck_recipients_code_is_not_the_site")),
        sa.CheckConstraint(only_of("channel", f"{LETTERS}_"), name=op.f("ck_recipients_channel")),
        sa.CheckConstraint(only_of("language", f"{LETTERS}{LETTERS.upper()}-"), name=op.f("ck_recipients_language")),
        sa.CheckConstraint(
            "state = 'active' OR ciphertext IS NULL", name=op.f("ck_recipients_withdrawn_has_no_address")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_recipients_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipients")),
        sa.UniqueConstraint("site_id", "role", "code", "version", name=op.f("uq_recipients_site_id_role_code_version")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("recipients")


def only_of(column: str, characters: str) -> str:
    """The promise that a column holds one or more of these characters and no other."""
    return f"{column} <> '' AND ltrim({column}, '{characters}') = ''"
