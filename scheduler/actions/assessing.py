"""From signed findings to assessments, intensity, plan and visits, inside somebody's transaction.

Takes the patients whose reports have just been signed, with all that is signed of them; writes assessments, plans and
visits and says what changed. Importing, signing and re-signing all come here: one patient takes the same path as a
hundred thousand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from scheduler.core.calendar import WorkingDays
from scheduler.core.intensity import decide_intensity
from scheduler.core.planning import afterwards_interval, horizon_on, no_surveillance, plan
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.reconcile import reconcile
from scheduler.core.reports import as_json
from scheduler.core.scoring import CompiledModel, score
from scheduler.rulebook import Rulebook
from scheduler.store.transaction import Transaction

SIGNED: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "site": pl.String(),
    "resection_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "surgery_version": pl.Int64(),  # the signed version now; 0: not signed
    "pathology_version": pl.Int64(),
}  # beside these, every recorded variable, as far as it is signed


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What patients are scored and planned by: the rulebook, one protocol of it, and each site's working days."""

    rulebook: Rulebook
    protocol_id: str
    working_days: Callable[[str], WorkingDays]

    @cached_property
    def protocol(self) -> SurveillanceProtocol:
        """The protocol that plans follow."""
        return self.rulebook.protocol(self.protocol_id)

    @cached_property
    def protocol_digest(self) -> str:
        """The digest of the protocol's file."""
        return self.rulebook.files[self.protocol.reference].digest

    @cached_property
    def models(self) -> tuple[CompiledModel, ...]:
        """The newest version of every model, and those that the protocol names."""
        named = {reference for stage in self.protocol.stages for reference in stage.models}
        newest = {compiled.model.reference for compiled in self.rulebook.newest_models()}
        return tuple(self.rulebook.models[reference] for reference in sorted(named | newest))

    @cached_property
    def texts(self) -> pl.DataFrame:
        """The text of every rule that is used, to be kept once: `digest, kind, rule_id, version, text`."""
        references = [*(compiled.model.reference for compiled in self.models), self.protocol.reference]
        variables = next(reference for reference in self.rulebook.files if reference.startswith("variables@"))
        rows = []
        for reference in (variables, *references):
            file = self.rulebook.files[reference]
            rule_id, version = reference.split("@")
            rows.append((file.digest, file.data["kind"], rule_id, int(version), file.text))
        return pl.DataFrame(rows, schema=["digest", "kind", "rule_id", "version", "text"], orient="row")

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Reference → digest of every rule that is used."""
        return {f"{row[2]}@{row[3]}": row[0] for row in self.texts.iter_rows()}


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """What assessing changed: assessments as scored, a decision and old intensity per patient, and visit changes."""

    assessments: pl.DataFrame
    decisions: pl.DataFrame
    changes: pl.DataFrame


def assess_and_plan(
    transaction: Transaction, signed: pl.DataFrame, rules: Rules, *, stages: tuple[str, ...], today: date
) -> Assessed:
    """Score the patients of `signed` (`SIGNED` and every recorded variable) by the models of `stages`, and plan.

    Writes assessments, a plan version and its visits for each patient who is to be followed; a patient with no
    surveillance (an R2 resection) gets none, and open visits that lie ahead are withdrawn. A first plan is laid out
    whole, from month 0, even where its days have passed. Audit rows are the caller's.
    """
    assessments = _score(transaction, signed, rules, stages)
    decisions = _decide(transaction, signed, assessments, rules, today)
    changes = _plan(transaction, decisions, rules, today=today)
    return Assessed(assessments=assessments, decisions=decisions, changes=changes)


def _score(transaction: Transaction, signed: pl.DataFrame, rules: Rules, stages: tuple[str, ...]) -> pl.DataFrame:
    """Score and store: one assessment per patient and model of these stages."""
    models = [compiled for compiled in rules.models if compiled.model.scored_at in stages]
    assessments = score(signed, models)
    transaction.append_rule_texts(rules.texts)
    versions = signed.select("patient_id", "resection_id", "surgery_version", "pathology_version")
    lists = [as_json(name) for name in ("possible_groups", "settled_by", "missing", "reasons")]
    rows = assessments.join(versions, on="patient_id", maintain_order="left").with_columns(
        *lists,
        pl.when(pl.col("stage") == "surgery").then(0).otherwise(pl.col("pathology_version")).alias("pathology_version"),
    )
    stored = rows.rename({"model": "model_id"}).drop("patient_id", "caveats")
    transaction.append("assessments", _with_ids(transaction, "assessments", stored))
    return assessments


def _decide(
    transaction: Transaction, signed: pl.DataFrame, assessments: pl.DataFrame, rules: Rules, today: date
) -> pl.DataFrame:
    """A row per patient: the decision, the plan it replaces, and what the new plan needs."""
    latest = pl.when(pl.col("pathology_version") > 0).then(pl.lit("pathology")).otherwise(pl.lit("surgery"))
    signed_stage = signed.select("patient_id", latest.alias("signed_stage"))
    decided = decide_intensity(assessments, rules.protocol, signed_stage=signed_stage)
    dictionary = rules.rulebook.dictionary
    facts = signed.select(
        "patient_id",
        "site",
        "episode_id",
        "anchor_on",
        latest.alias("signed_stage"),
        afterwards_interval(signed, rules.protocol, dictionary).alias("afterwards_months"),
        no_surveillance(signed, rules.protocol, dictionary).alias("no_surveillance"),
    ).with_columns(horizon_month=horizon_on(today))
    current = transaction.current_plans(signed["episode_id"]).select(
        "episode_id", pl.col("version").alias("current_version"), pl.col("intensity").alias("old_intensity")
    )
    latest_version = transaction.latest_plan_versions(signed["episode_id"]).rename({"version": "old_version"})
    return (
        decided.join(facts, on="patient_id", maintain_order="left")
        .join(current, on="episode_id", how="left", maintain_order="left")
        .join(latest_version, on="episode_id", how="left", maintain_order="left")
        .with_columns(pl.col("old_version").fill_null(0))
    )


def _plan(transaction: Transaction, decisions: pl.DataFrame, rules: Rules, *, today: date) -> pl.DataFrame:
    """Replace each patient's plan and bring the visits in line with it; gives what changed, as `reconcile` does."""
    followed = pl.col("no_surveillance").is_null()
    planned = pl.concat(
        plan(
            group.with_columns(pl.when(followed).then("intensity").alias("intensity")),
            rules.protocol,
            working_days=rules.working_days(group["site"][0]),
            horizon_month=pl.col("horizon_month"),
        )
        for group in decisions.partition_by("site", maintain_order=True)
    )
    _replace_plans(transaction, decisions, rules)
    changes = _changes(transaction, planned, decisions, today=today)
    _write_visits(transaction, changes, decisions)
    return changes


def _changes(transaction: Transaction, planned: pl.DataFrame, decisions: pl.DataFrame, *, today: date) -> pl.DataFrame:
    """What changes among the visits: a first plan is whole, a later one is reconciled with what exists."""
    first = decisions.filter(pl.col("old_version") == 0).select("episode_id")
    known = decisions.filter(pl.col("old_version") > 0)["episode_id"]
    existing = transaction.visits_of(known).with_columns(pl.col("procedures").str.split("|"))
    return pl.concat(
        [
            reconcile(existing.clear(), planned.join(first, on="episode_id", how="semi"), today=today, whole=True),
            reconcile(existing, planned.join(first, on="episode_id", how="anti"), today=today, whole=False),
        ]
    )


def _replace_plans(transaction: Transaction, decisions: pl.DataFrame, rules: Rules) -> None:
    """A new plan version for each episode that is followed; the one before is superseded."""
    replaced = decisions.filter(pl.col("current_version").is_not_null()).select(
        "episode_id",
        pl.col("current_version").alias("version"),
        pl.lit(transaction.recorded_at).alias("superseded_at"),
    )
    transaction.update("plans", replaced, key=["episode_id", "version"], put=["superseded_at"])
    transaction.append(
        "plans",
        decisions.filter(pl.col("no_surveillance").is_null()).select(
            "episode_id",
            (pl.col("old_version") + 1).alias("version"),
            pl.col("signed_stage").alias("stage"),
            pl.lit(rules.protocol.id).alias("protocol_id"),
            pl.lit(rules.protocol.version).alias("protocol_version"),
            pl.lit(rules.protocol_digest).alias("protocol_digest"),
            "intensity",
            "provisional",
            as_json("because"),
            "horizon_month",
        ),
    )


def _write_visits(transaction: Transaction, changes: pl.DataFrame, decisions: pl.DataFrame) -> None:
    """Bring the stored visits in line with what reconcile says; what stays as it is is not written."""
    version = decisions.select("episode_id", (pl.col("old_version") + 1).alias("plan_version"))
    rows = changes.join(version, on="episode_id", maintain_order="left").with_columns(
        pl.col("procedures").list.sort().list.join("|")
    )
    key, window = ["episode_id", "origin", "grid_month"], ["procedures", "opens_on", "due_on", "closes_on"]
    opened = rows.with_columns(pl.lit("open").alias("status"))
    new = opened.filter((pl.col("change") == "added") & pl.col("visit_id").is_null())
    visits = new.select("plan_version", *key, *window, "status")
    transaction.append("visits", _with_ids(transaction, "visits", visits))
    again = opened.filter(
        (pl.col("change") == "moved") | ((pl.col("change") == "added") & pl.col("visit_id").is_not_null())
    )
    transaction.update("visits", again, key=key, put=["plan_version", *window, "status"])
    gone = rows.filter(pl.col("change") == "withdrawn").with_columns(pl.lit("withdrawn").alias("status"))
    transaction.update("visits", gone, key=key, put=["status"])


def _with_ids(transaction: Transaction, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The new rows with the ids that the registry gives out."""
    return rows.with_columns(pl.Series("id", transaction.reserve_ids(table, rows.height), dtype=pl.Int64))
