"""What happens around the visits: appointments, and events in a patient's life."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, Table, Text, UniqueConstraint

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, own_id

EVENTS = (
    "recurrence",
    "curative_treatment",
    "non_curative_treatment",
    "death",
    "transplant",
    "transfer",
    "transfer_accepted",
    "lost",
    "last_seen",
    "second_primary",
    "consent_withdrawn",
    "reopened",
    "acknowledged",
)

bookings = Table(  # every change of an appointment is a new version; only the newest counts
    "bookings",
    metadata,
    own_id(),
    Column("visit_id", Id, ForeignKey("visits.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("booked_on", Date, nullable=False),  # the day of the appointment
    Column("at", Text),  # HH:MM on the site's clock
    Column("place", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    one_of("state", ("booked", "cancelled", "missed", "kept")),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("at LIKE '__:__'", name="at"),
    CheckConstraint("(state <> 'cancelled' AND state <> 'missed') OR reason IS NOT NULL", name="not_kept_says_why"),
    UniqueConstraint("visit_id", "version"),
)

events = Table(
    "events",
    metadata,
    own_id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("episode_id", Id, ForeignKey("episodes.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),  # empty, never missing: two missing ones would differ
    Column("number", Integer, nullable=False, server_default="1"),  # 2 where the first was taken back
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", Text),
    Column("withdrawn_because", Text),
    one_of("event", EVENTS),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint(
        "(withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_because IS NULL)",
        name="withdrawn_says_by_whom_and_why",
    ),
    UniqueConstraint("patient_id", "event", "happened_on", "detail", "number"),
)
