"""Who is told, and how each is reached: the staff of a site by role, and patients who consented; addresses encrypted.

Both are only added to: the newest version of a recipient or of a contact is the one that counts.
"""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, LargeBinary, Table, Text, UniqueConstraint

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, own_id

ROLES = ("coordinator", "clinician", "surgeon", "site_lead")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
EITHER_CASE = f"{LETTERS}{LETTERS.upper()}"


def only_of(column: str, characters: str) -> CheckConstraint:
    """The promise that a column holds one or more of these characters and no other, or nothing where it may."""
    return CheckConstraint(f"{column} <> '' AND ltrim({column}, '{characters}') = ''", name=column)


recipients = Table(
    "recipients",
    metadata,
    own_id(),
    Column("site_id", Id, ForeignKey("sites.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("code", Text, nullable=False),  # a short name, such as anna: a reminder is to coordinator:anna
    Column("version", Integer, nullable=False),
    Column("channel", Text),  # missing: the policy's
    Column("language", Text),  # missing: the policy's
    Column("ciphertext", LargeBinary),  # of the address, bound to the row; missing where the channel needs none
    Column("state", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    one_of("role", ROLES),
    one_of("state", ("active", "withdrawn")),
    CheckConstraint("version >= 1", name="version"),
    only_of("code", f"{LETTERS}0123456789-"),
    CheckConstraint("code <> 'site'", name="code_is_not_the_site"),  # coordinator:site is a site without a coordinator
    only_of("channel", f"{LETTERS}_"),
    only_of("language", f"{EITHER_CASE}-"),
    CheckConstraint("state = 'active' OR ciphertext IS NULL", name="withdrawn_has_no_address"),
    UniqueConstraint("site_id", "role", "code", "version"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("patient_id", Id, ForeignKey("patients.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("channel", Text),  # missing: the policy's
    Column("language", Text),  # missing: the policy's
    Column("ciphertext", LargeBinary),  # of the address, bound to the patient and the version
    Column("consented_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    one_of("state", ("given", "withdrawn")),
    CheckConstraint("version >= 1", name="version"),
    only_of("channel", f"{LETTERS}_"),
    only_of("language", f"{EITHER_CASE}-"),
    CheckConstraint("state <> 'withdrawn' OR reason IS NOT NULL", name="withdrawn_says_why"),
    CheckConstraint("(state = 'given') = (ciphertext IS NOT NULL)", name="given_has_an_address"),
)
