"""Add contacts: how a patient who consented is reached, and since when; each change is a new version.

The address is encrypted and bound to the patient and the version. A withdrawn contact has none, and says why.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "contacts",
        sa.Column("patient_id", ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("consented_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint("state = 'given' OR state = 'withdrawn'", name=op.f("ck_contacts_state")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_contacts_version")),
        sa.CheckConstraint(only_of("channel", f"{LETTERS}_"), name=op.f("ck_contacts_channel")),
        sa.CheckConstraint(only_of("language", f"{LETTERS}{LETTERS.upper()}-"), name=op.f("ck_contacts_language")),
        sa.CheckConstraint("state <> 'withdrawn' OR reason IS NOT NULL", name=op.f("ck_contacts_withdrawn_says_why")),
        sa.CheckConstraint(
            "(state = 'given') = (ciphertext IS NOT NULL)", name=op.f("ck_contacts_given_has_an_address")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_contacts_patient_id_patients")),
        sa.PrimaryKeyConstraint("patient_id", "version", name=op.f("pk_contacts")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("contacts")


def only_of(column: str, characters: str) -> str:
    """The promise that a column holds one or more of these characters and no other."""
    return f"{column} <> '' AND ltrim({column}, '{characters}') = ''"
