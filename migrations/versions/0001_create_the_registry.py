"""Create the registry: patients, reports, assessments, plans, visits, the audit chain.

The first schema. Identity stands apart from clinical data; a signed report and an audit row are never changed,
and triggers on both databases see to it.
"""

from typing import TypedDict

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

TABLES = (
    "sites",
    "patients",
    "identities",
    "resections",
    "episodes",
    "reports",
    "rule_texts",
    "assessments",
    "plans",
    "visits",
    "audit_rows",
    "registry_facts",
)

# Table → the rows that nobody may change: every row, or those for which this holds.
FINAL_ROWS = {"reports": "OLD.state = 'signed'", "audit_rows": "true"}


class Where(TypedDict):
    """The condition of a partial index, for each database."""

    sqlite_where: sa.TextClause
    postgresql_where: sa.TextClause


def only_where(condition: str) -> Where:
    """An index over the rows for which the condition holds."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Make the tables, then the triggers."""
    people()
    findings()
    rules_and_assessments()
    plans_and_visits()
    audit()
    if op.get_bind().dialect.name == "sqlite":
        refuse_changes_on_sqlite()
    else:
        refuse_changes_on_postgresql()


def downgrade() -> None:
    """Drop every table, and the triggers with them."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_change")


def people() -> None:
    """Who is followed, where, and who they are: identity stands apart and encrypted."""
    op.create_table(
        "sites",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("country", sa.Text()),
        sa.Column("subdivision", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("code", name=op.f("uq_sites_code")),
    )
    op.create_table(
        "patients",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("mrn_hash", sa.Text(), nullable=False),
        sa.Column("enrolled_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_patients_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint("mrn_hash", "site_id", name=op.f("uq_patients_mrn_hash_site_id")),
    )
    op.create_table(
        "identities",
        sa.Column("patient_id", ID, autoincrement=False, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_identities_patient_id_patients")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_identities")),
    )


def findings() -> None:
    """What was done and found: operations, stretches of surveillance, signed reports."""
    op.create_table(
        "resections",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("resected_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_resections_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resections")),
        sa.UniqueConstraint("patient_id", "resected_on", name=op.f("uq_resections_patient_id_resected_on")),
    )
    op.create_table(
        "episodes",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", ID, nullable=False),
        sa.Column("resection_id", ID, nullable=True),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state = 'active' OR state = 'paused' OR state = 'handed_over' OR state = 'ended'",
            name=op.f("ck_episodes_state"),
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_episodes_version")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_episodes_patient_id_patients")),
        sa.ForeignKeyConstraint(["resection_id"], ["resections.id"], name=op.f("fk_episodes_resection_id_resections")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episodes")),
    )
    op.create_index(op.f("ix_episodes_patient_id"), "episodes", ["patient_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("resection_id", ID, autoincrement=False, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("signed_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint("stage = 'surgery' OR stage = 'pathology'", name=op.f("ck_reports_stage")),
        sa.CheckConstraint(
            "state = 'draft' OR (signed_by IS NOT NULL AND signed_at IS NOT NULL)",
            name=op.f("ck_reports_signed_names_its_signer"),
        ),
        sa.CheckConstraint(
            "state = 'draft' OR version = 1 OR reason IS NOT NULL", name=op.f("ck_reports_correction_has_a_reason")
        ),
        sa.CheckConstraint("state = 'draft' OR state = 'signed'", name=op.f("ck_reports_state")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reports_version")),
        sa.ForeignKeyConstraint(["resection_id"], ["resections.id"], name=op.f("fk_reports_resection_id_resections")),
        sa.PrimaryKeyConstraint("resection_id", "stage", "version", name=op.f("pk_reports")),
    )
    op.create_index(
        "uq_reports_one_draft", "reports", ["resection_id", "stage"], unique=True, **only_where("state = 'draft'")
    )


def rules_and_assessments() -> None:
    """The rule texts, and every scoring with the text that it used."""
    op.create_table(
        "rule_texts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_rule_texts")),
    )
    op.create_table(
        "assessments",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("resection_id", ID, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("surgery_version", sa.Integer(), nullable=False),
        sa.Column("pathology_version", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("applicability", sa.Text(), nullable=False),
        sa.Column("linear_predictor", sa.Double(), nullable=True),
        sa.Column("lowest", sa.Double(), nullable=True),
        sa.Column("highest", sa.Double(), nullable=True),
        sa.Column("risk_group", sa.Text(), nullable=True),
        sa.Column("possible_groups", sa.Text(), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("contributions", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "applicability = 'true' OR applicability = 'false' OR applicability = 'unconfirmed'",
            name=op.f("ck_assessments_applicability"),
        ),
        sa.CheckConstraint("stage = 'surgery' OR stage = 'pathology'", name=op.f("ck_assessments_stage")),
        sa.CheckConstraint(
            "status <> 'bounded' OR (linear_predictor IS NULL AND lowest IS NOT NULL AND highest IS NOT NULL"
            " AND lowest <= highest)",
            name=op.f("ck_assessments_bounded_has_bounds_only"),
        ),
        sa.CheckConstraint(
            "status <> 'scored' OR (linear_predictor IS NOT NULL AND risk_group IS NOT NULL)",
            name=op.f("ck_assessments_scored_has_predictor_and_group"),
        ),
        sa.CheckConstraint(
            "status = 'scored' OR status = 'bounded' OR status = 'not_applicable' OR status = 'refused'",
            name=op.f("ck_assessments_status"),
        ),
        sa.CheckConstraint("surgery_version >= 0 AND pathology_version >= 0", name=op.f("ck_assessments_versions")),
        sa.ForeignKeyConstraint(
            ["model_digest"], ["rule_texts.digest"], name=op.f("fk_assessments_model_digest_rule_texts")
        ),
        sa.ForeignKeyConstraint(
            ["resection_id"], ["resections.id"], name=op.f("fk_assessments_resection_id_resections")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint(
            "resection_id",
            "stage",
            "surgery_version",
            "pathology_version",
            "model_digest",
            name="uq_assessments_one_per_reports_and_model",
        ),
    )


def plans_and_visits() -> None:
    """The schedules, and their dated occasions."""
    op.create_table(
        "plans",
        sa.Column("episode_id", ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("protocol_id", sa.Text(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("protocol_digest", sa.Text(), nullable=False),
        sa.Column("intensity", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("horizon_month", sa.Integer(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "intensity = 'basic' OR intensity = 'standard' OR intensity = 'intensive'", name=op.f("ck_plans_intensity")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_plans_version")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_plans_episode_id_episodes")),
        sa.ForeignKeyConstraint(
            ["protocol_digest"], ["rule_texts.digest"], name=op.f("fk_plans_protocol_digest_rule_texts")
        ),
        sa.PrimaryKeyConstraint("episode_id", "version", name=op.f("pk_plans")),
    )
    op.create_index("uq_plans_one_current", "plans", ["episode_id"], unique=True, **only_where("superseded_at IS NULL"))
    op.create_table(
        "visits",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("episode_id", ID, nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("grid_month", sa.Integer(), nullable=False),
        sa.Column("procedures", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "origin = 'grid' OR origin = 'catch_up' OR origin = 'suspicious'", name=op.f("ck_visits_origin")
        ),
        sa.CheckConstraint(
            "status = 'open' OR status = 'withdrawn' OR status = 'done' OR status = 'missed' OR status = 'censored'",
            name=op.f("ck_visits_status"),
        ),
        sa.CheckConstraint("opens_on <= due_on AND due_on <= closes_on", name=op.f("ck_visits_window")),
        sa.ForeignKeyConstraint(
            ["episode_id", "plan_version"],
            ["plans.episode_id", "plans.version"],
            name=op.f("fk_visits_episode_id_plan_version_plans"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("episode_id", "origin", "grid_month", name=op.f("uq_visits_episode_id_origin_grid_month")),
    )
    op.create_index("ix_visits_open_by_opens_on", "visits", ["opens_on"], unique=False, **only_where("status = 'open'"))


def audit() -> None:
    """The audit chain, and what is known of the registry itself."""
    op.create_table(
        "audit_rows",
        sa.Column("position", ID, autoincrement=False, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("patient_id", ID, nullable=True),
        sa.Column("before_digest", sa.Text(), nullable=True),
        sa.Column("after_digest", sa.Text(), nullable=True),
        sa.Column("rule_digests", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_audit_rows_position")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_audit_rows_patient_id_patients")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_rows")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_rows_hash")),
    )
    op.create_index(
        "ix_audit_rows_patient_id", "audit_rows", ["patient_id"], unique=False, **only_where("patient_id IS NOT NULL")
    )
    op.create_table(
        "registry_facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_registry_facts")),
    )


def refuse_changes_on_sqlite() -> None:
    """A trigger for each table and each way to change a row."""
    for table, final in FINAL_ROWS.items():
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table} WHEN {final} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: a signed or audited row is never changed'); END"
            )


def refuse_changes_on_postgresql() -> None:
    """One function that refuses, and a trigger for each table; emptying the table is a change too."""
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '%: a signed or audited row is never changed', TG_TABLE_NAME; END $$"
    )
    for table, final in FINAL_ROWS.items():
        op.execute(
            f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW WHEN ({final}) EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
        )
