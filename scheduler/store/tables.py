"""The tables, and every promise about them as a named constraint.

Days are dates, moments aware UTC, documents canonical JSON as text (so that both databases hold the same bytes),
numbers double precision. `migrations/` builds the same tables step by step, and the triggers that refuse to change
what was signed or audited; a test compares the two.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from scheduler.store.moments import Moment

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite keeps rows by their id only where its type is INTEGER


def _id() -> Column[int]:
    """The identity of a row; `Transaction.reserve_ids` gives them out."""
    return Column("id", Id, Identity(always=False), primary_key=True)


def _one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    """The promise that a column holds one of these words.

    Written with OR: SQLite builds a table for the words of an IN, for each row anew, which doubled the cost of a visit.
    """
    return CheckConstraint(" OR ".join(f"{column} = '{word}'" for word in words), name=column)


def _only_where(name: str, promise: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows for which the promise holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(promise), postgresql_where=text(promise))


STAGES = ("surgery", "pathology")

sites = Table(
    "sites",
    metadata,
    _id(),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("country", Text),  # missing: only weekends count as closed
    Column("subdivision", Text),
    Column("time_zone", Text, nullable=False),
    UniqueConstraint("code"),
)

patients = Table(
    "patients",
    metadata,
    _id(),
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
    _id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("resected_on", Date, nullable=False),
    UniqueConstraint("patient_id", "resected_on"),
)

episodes = Table(
    "episodes",
    metadata,
    _id(),
    Column("patient_id", Id, ForeignKey("patients.id"), nullable=False),
    Column("resection_id", Id, ForeignKey("resections.id")),
    Column("anchor_on", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),  # rises with every update, so that a stale change is noticed
    _one_of("state", ("active", "paused", "handed_over", "ended")),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "patient_id"),
)

reports = Table(
    "reports",
    metadata,
    Column("resection_id", Id, ForeignKey("resections.id"), primary_key=True, autoincrement=False),
    Column("stage", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("confirmed", Text, nullable=False),  # JSON list: the soft warnings that the signer confirmed
    Column("signed_by", Text),
    Column("signed_at", Moment),
    Column("reason", Text),  # why a correction was made
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    _one_of("stage", STAGES),
    _one_of("state", ("draft", "signed")),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint(
        "state = 'draft' OR (signed_by IS NOT NULL AND signed_at IS NOT NULL)", name="signed_names_its_signer"
    ),
    CheckConstraint("state = 'draft' OR version = 1 OR reason IS NOT NULL", name="correction_has_a_reason"),
    _only_where("uq_reports_one_draft", "state = 'draft'", "resection_id", "stage", unique=True),
)

rule_texts = Table(
    "rule_texts",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the rule's canonical JSON, in hexadecimal
    Column("kind", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
)

assessments = Table(
    "assessments",
    metadata,
    _id(),
    Column("resection_id", Id, ForeignKey("resections.id"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("surgery_version", Integer, nullable=False),  # 0: the surgery report was not signed yet
    Column("pathology_version", Integer, nullable=False),  # 0: the pathology report was not signed yet
    Column("model_id", Text, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("model_digest", Text, ForeignKey("rule_texts.digest"), nullable=False),
    Column("status", Text, nullable=False),
    Column("applicability", Text, nullable=False),
    Column("linear_predictor", Double),
    Column("lowest", Double),
    Column("highest", Double),
    Column("risk_group", Text),
    Column("possible_groups", Text, nullable=False),
    Column("settled_by", Text, nullable=False),
    Column("missing", Text, nullable=False),
    Column("contributions", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    _one_of("stage", STAGES),
    _one_of("status", ("scored", "bounded", "not_applicable", "refused")),
    _one_of("applicability", ("true", "false", "unconfirmed")),
    CheckConstraint("surgery_version >= 0 AND pathology_version >= 0", name="versions"),
    CheckConstraint(
        "status <> 'scored' OR (linear_predictor IS NOT NULL AND risk_group IS NOT NULL)",
        name="scored_has_predictor_and_group",
    ),
    CheckConstraint(
        "status <> 'bounded' OR (linear_predictor IS NULL AND lowest IS NOT NULL AND highest IS NOT NULL"
        " AND lowest <= highest)",
        name="bounded_has_bounds_only",
    ),
    UniqueConstraint(
        "resection_id",
        "stage",
        "surgery_version",
        "pathology_version",
        "model_digest",
        name="uq_assessments_one_per_reports_and_model",
    ),
)

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
    _one_of("intensity", ("basic", "standard", "intensive")),
    CheckConstraint("version >= 1", name="version"),
    _only_where("uq_plans_one_current", "superseded_at IS NULL", "episode_id", unique=True),
)

visits = Table(
    "visits",
    metadata,
    _id(),
    Column("episode_id", Id, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("grid_month", Integer, nullable=False),
    Column("procedures", Text, nullable=False),  # sorted, joined by "|"
    Column("opens_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("closes_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    _one_of("origin", ("grid", "catch_up", "suspicious")),
    _one_of("status", ("open", "withdrawn", "done", "missed", "censored")),
    CheckConstraint("opens_on <= due_on AND due_on <= closes_on", name="window"),
    ForeignKeyConstraint(["episode_id", "plan_version"], ["plans.episode_id", "plans.version"]),
    UniqueConstraint("episode_id", "origin", "grid_month"),
    _only_where("ix_visits_open_by_opens_on", "status = 'open'", "opens_on"),
)

audit_rows = Table(
    "audit_rows",
    metadata,
    Column("position", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("recorded_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("patient_id", Id, ForeignKey("patients.id")),
    Column("before_digest", Text),
    Column("after_digest", Text),
    Column("rule_digests", Text, nullable=False),
    Column("reason", Text),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("position >= 1", name="position"),
    UniqueConstraint("hash"),
    _only_where("ix_audit_rows_patient_id", "patient_id IS NOT NULL", "patient_id"),
)

registry_facts = Table(
    "registry_facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

UNAUDITED = frozenset({"sites", "rule_texts", "audit_rows", "registry_facts"})
