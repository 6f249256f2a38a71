"""Who is followed and where, the operation and the stretch of surveillance; identity stands apart and encrypted."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, own_id

sites = Table(
    "sites",
    metadata,
    own_id(),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("country", Text),  # missing: only weekends count as closed
    Column("subdivision", Text),
    Column("time_zone", Text, nullable=False),
    UniqueConstraint("code"),
)

closures = Table(  # days on which a site is closed beside its weekends and public holidays
    "closures",
    metadata,
    Column("site_id", Id, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("closed_on", Date, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

patients = Table(
    "patients",
    metadata,
    own_id(),
    Column("site_id", Id, ForeignKey("sites.id"), nullable=False),
    Column("mrn_hash", Text, nullable=False),
    Column("enrolled_at", Moment, nullable=False),
    UniqueConstraint("mrn_hash", "site_id"),
)

identities = Table(
    "identities",
    metadata,
    Column("patient_id", Id, ForeignKey("patients.id"), primary_key=True, autoincrement=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

resections = Table(
    "resections",
    metadata,
    own_id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("resected_on", Date, nullable=False),
    UniqueConstraint("patient_id", "resected_on"),
)

episodes = Table(
    "episodes",
    metadata,
    own_id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("resection_id", Id, ForeignKey("resections.id")),
    Column("anchor_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),  # rises with every update, so that a stale change is noticed
    one_of("state", ("active", "paused", "handed_over", "ended")),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "patient_id"),
)
