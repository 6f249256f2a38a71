"""What was done and found at follow-up, and what each examination counts for."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, own_id

FINDINGS = (
    "no_recurrence",
    "indeterminate",
    "suspicious",
    "inadequate",
    "intrahepatic_recurrence",
    "extrahepatic_recurrence",
    "both",
)
VERDICTS = ("early", "satisfies", "late", "extra", "inadequate", "after_end", "before_start", "in_future")

# One of a procedure on a day is known by patient, procedure, day and number; only its newest version counts.
# Another day or procedure is another examination: the mistaken one is deleted by a version that says why.
examinations = Table(
    "examinations",
    metadata,
    own_id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("episode_id", Id, ForeignKey("episodes.id"), nullable=False),
    Column("procedure", Text, nullable=False),
    Column("performed_on", Date, nullable=False),
    Column("number", Integer, nullable=False),  # 2 for the second of one procedure on a day
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("result_status", Text, nullable=False),
    Column("finding", Text),
    Column("recurrence_sites", Text, nullable=False, server_default="[]"),  # JSON list
    Column("value", Double),  # of a marker, in our unit
    Column("place", Text),
    Column("reviewed_by", Text),
    Column("reviewed_at", Moment),
    Column("reason", Text),  # why a correction was made
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    one_of("state", ("recorded", "deleted")),
    one_of("result_status", ("pending", "final")),
    one_of("finding", FINDINGS),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint(
        "result_status <> 'final' OR finding IS NOT NULL OR value IS NOT NULL", name="final_has_a_finding_or_value"
    ),
    CheckConstraint("version = 1 OR reason IS NOT NULL", name="correction_has_a_reason"),
    CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name="reviewed_by_somebody"),
    UniqueConstraint(
        "patient_id", "procedure", "performed_on", "number", "version", name="uq_examinations_one_of_each_version"
    ),
    Index(None, "episode_id"),
)

verdicts = Table(  # of the newest versions; `Transaction.replace_verdicts` writes them, an episode at a time
    "verdicts",
    metadata,
    Column("examination_id", Id, ForeignKey("examinations.id"), primary_key=True, autoincrement=False),
    Column("episode_id", Id, ForeignKey("episodes.id"), nullable=False),
    Column("visit_id", Id, ForeignKey("visits.id")),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    one_of("verdict", VERDICTS),
    CheckConstraint(
        "visit_id IS NOT NULL OR (verdict <> 'early' AND verdict <> 'satisfies' AND verdict <> 'late')",
        name="answers_a_visit",
    ),
    Index(None, "episode_id"),
)
