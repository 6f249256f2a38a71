"""What was found and signed, the text of every rule that was used, and every scoring with it."""

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Integer, Table, Text, UniqueConstraint

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, one_of, only_where, own_id

STAGES = ("surgery", "pathology")

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
    Column("not_obtainable", Text, nullable=False, server_default="{}"),  # JSON object: variable → why
    one_of("stage", STAGES),
    one_of("state", ("draft", "signed")),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint(
        "state = 'draft' OR (signed_by IS NOT NULL AND signed_at IS NOT NULL)", name="signed_names_its_signer"
    ),
    CheckConstraint("state = 'draft' OR version = 1 OR reason IS NOT NULL", name="correction_has_a_reason"),
    only_where("uq_reports_one_draft", "state = 'draft'", "resection_id", "stage", unique=True),
    only_where("ix_reports_signed", "state = 'signed'", "stage", "resection_id", "signed_at"),
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
    own_id(),
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
    one_of("stage", STAGES),
    one_of("status", ("scored", "bounded", "not_applicable", "refused")),
    one_of("applicability", ("true", "false", "unconfirmed")),
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
