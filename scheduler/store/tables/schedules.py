"""Plans and their visits, what each plan changed and why, and what a clinician decided against the plan."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, only_where, own_id

INTENSITIES = ("basic", "standard", "intensive")
ORIGINS = ("grid", "catch_up", "suspicious")

plans = Table(
    "plans",
    metadata,
    Column("episode_id", Id, ForeignKey("episodes.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("stage", Text, nullable=False),
    Column("protocol_id", Text, nullable=False),
    Column("protocol_version", Integer, nullable=False),
    Column("protocol_digest", Text, ForeignKey("rule_texts.digest"), nullable=False),
    Column("intensity", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("because", Text, nullable=False),
    Column("horizon_month", Integer, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("superseded_at", Moment),
    Column("afterwards_months", Integer),  # missing in plans made before it was kept
    one_of("intensity", INTENSITIES),
    CheckConstraint("version >= 1", name="version"),
    only_where("uq_plans_one_current", "superseded_at IS NULL", "episode_id", unique=True),
)

visits = Table(
    "visits",
    metadata,
    own_id(),
    Column("episode_id", Id, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("grid_month", Integer, nullable=False),
    Column("procedures", Text, nullable=False),  # sorted, joined by "|"
    Column("opens_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("closes_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    one_of("origin", ORIGINS),
    one_of("status", ("open", "withdrawn", "done", "missed", "censored")),
    CheckConstraint("opens_on <= due_on AND due_on <= closes_on", name="window"),
    ForeignKeyConstraint(["episode_id", "plan_version"], ["plans.episode_id", "plans.version"]),
    UniqueConstraint("episode_id", "origin", "grid_month"),
    only_where("ix_visits_open_by_opens_on", "status = 'open'", "opens_on"),
    only_where("ix_visits_answered", "status <> 'open'", "closes_on", "due_on", "opens_on", "status"),
)

plan_changes = Table(  # what a plan's version changed; a visit that it kept has no row
    "plan_changes",
    metadata,
    own_id(),
    Column("episode_id", Id, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("change", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("grid_month", Integer, nullable=False),
    Column("was_due_on", Date),  # missing for a visit that did not exist
    Column("due_on", Date),  # missing for a visit that is no longer due
    Column("reason", Text, nullable=False),
    Column("chain", Text, nullable=False),  # JSON: report → variable → contribution → … → date
    Column("recorded_at", Moment, nullable=False),
    Column("was_opens_on", Date),  # missing for a visit that did not exist, like the others
    Column("was_closes_on", Date),
    Column("was_procedures", Text),
    Column("was_status", Text),
    one_of("change", ("added", "moved", "withdrawn", "flagged", "censored", "missed")),
    one_of("origin", ORIGINS),
    ForeignKeyConstraint(["episode_id", "plan_version"], ["plans.episode_id", "plans.version"]),
    Index(None, "episode_id"),
)

overrides = Table(  # a clinician's decision, on the intensity or on one visit; it survives re-planning
    "overrides",
    metadata,
    own_id(),
    Column("episode_id", Id, ForeignKey("episodes.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("intensity", Text),
    Column("origin", Text),
    Column("grid_month", Integer),
    Column("due_on", Date),
    Column("until_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_by", Text),
    one_of("kind", ("intensity", "visit")),
    one_of("intensity", INTENSITIES),
    one_of("origin", ORIGINS),
    CheckConstraint(
        "kind <> 'intensity' OR (intensity IS NOT NULL AND origin IS NULL AND grid_month IS NULL AND due_on IS NULL)",
        name="of_intensity_names_it_only",
    ),
    CheckConstraint(
        "kind <> 'visit' OR (intensity IS NULL AND origin IS NOT NULL AND grid_month IS NOT NULL)",
        name="of_visit_names_it_only",
    ),
    CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
    Index(None, "episode_id"),
)
