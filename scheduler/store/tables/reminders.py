"""The ledger of reminders, and the account of each site's day.

A row of `reminders` is one claim: nobody else may tell this recipient the same thing on the same rung. Rows that go out
as one message share `message_id`, the lowest id among them. Suppressions are in no row: they block nothing tomorrow.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, only_where, own_id

REMINDER_STATES = ("claimed", "sent", "failed", "unknown")
DAY_STATES = ("balanced", "unbalanced", "missed")
JOBS = ("reminders", "plans")
OF_VISIT = ("visit_id", "rung", "occurrence", "recipient")
OF_TASK = ("patient_id", "task", "opened_on", "rung", "occurrence", "recipient")

reminders = Table(
    "reminders",
    metadata,
    own_id(),
    Column("message_id", Id, nullable=False),
    Column("site_id", Id, ForeignKey("sites.id"), nullable=False),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("visit_id", Id, ForeignKey("visits.id")),  # missing where it is about a task
    Column("task", Text),  # missing where it is about a visit, like opened_on
    Column("opened_on", Date),
    Column("rung", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("recipient", Text, nullable=False),  # patient, or role:code
    Column("channel", Text, nullable=False),
    Column("message", Text, nullable=False),  # of the policy
    Column("language", Text, nullable=False),
    Column("owed_on", Date, nullable=False),  # the site's day on whose account it stands
    Column("state", Text, nullable=False),
    Column("may_repeat", Boolean, nullable=False),  # failed, and trying again is of use
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", Text, nullable=False),  # the worker
    Column("claimed_at", Moment, nullable=False),
    Column("attempted_at", Moment),  # missing: nothing has been handed over for certain
    Column("settled_at", Moment),
    Column("why", Text),  # of a failed or unknown one; of one that a person resolved
    one_of("state", REMINDER_STATES),
    CheckConstraint("(visit_id IS NULL) = (task IS NOT NULL) AND (task IS NULL) = (opened_on IS NULL)", name="subject"),
    CheckConstraint("occurrence >= 1", name="occurrence"),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("state = 'claimed' OR settled_at IS NOT NULL", name="settled_says_when"),
    CheckConstraint("state <> 'unknown' OR (attempted_at IS NOT NULL AND why IS NOT NULL)", name="unknown_says_why"),
    only_where("uq_reminders_one_for_a_visit", "visit_id IS NOT NULL", *OF_VISIT, unique=True),
    only_where("uq_reminders_one_for_a_task", "visit_id IS NULL", *OF_TASK, unique=True),
    only_where("ix_reminders_not_sent", "state <> 'sent'", "state"),
    Index("ix_reminders_of_a_day", "owed_on", "site_id"),
)

job_days = Table(
    "job_days",
    metadata,
    Column("job", Text, primary_key=True),
    Column("site_id", Id, ForeignKey("sites.id"), primary_key=True, autoincrement=False),
    Column("ran_for", Date, primary_key=True),  # the site's local day
    Column("state", Text, nullable=False),
    Column("eligible", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON object: reason → how many were suppressed
    Column("policy_digest", Text, ForeignKey("rule_texts.digest")),  # missing where no policy is asked
    Column("worker", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    one_of("job", JOBS),
    one_of("state", DAY_STATES),
    CheckConstraint(
        "state = 'unbalanced' OR eligible = sent + failed + suppressed + unknown", name="eligible_is_accounted_for"
    ),
)
