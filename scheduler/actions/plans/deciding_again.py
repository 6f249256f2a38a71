"""Deciding anew how closely known patients are followed: after an override, by another protocol, or as time goes by.

Inside somebody's transaction. Takes what is signed and scored of them; scores only what a protocol's models have not
scored yet. A plan that would say the same stays as it is, and its visits are brought in line all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.plans.assessing import score_and_store
from scheduler.actions.plans.beginning import begun_by_treatment
from scheduler.actions.plans.deciding import (
    EPISODE,
    by_own_protocol,
    decide,
    in_force,
    is_same_plan,
    raised,
    replace_plans,
)
from scheduler.actions.plans.following import Followed, Why, follow
from scheduler.actions.plans.rules import Rules
from scheduler.actions.plans.signed_findings import signed_findings
from scheduler.core.chains import CHAINS
from scheduler.core.event_lines import State
from scheduler.core.intensity import DECISIONS
from scheduler.core.protocols import Intensity
from scheduler.store.reading.asking import Ids
from scheduler.store.transaction import Transaction

LISTS = ("possible_groups", "settled_by", "missing", "reasons")


@dataclass(frozen=True, kw_only=True)
class DecidedAgain:
    """A decision per patient who has a plan or may get one (`deciding.in_force` and `is_same`), and what followed."""

    decisions: pl.DataFrame
    followed: Followed


def decide_again(
    transaction: Transaction,
    patient_ids: Ids,
    rules: Rules,
    *,
    today: date,
    chains: pl.DataFrame | None = None,
    keep_protocol: bool = True,
) -> DecidedAgain:
    """Decide anew and bring visits in line, as of today, with one patient or many.

    Each patient's own protocol holds, or that of the rules where `keep_protocol` is false or there is no plan yet. Only
    the latest episode of each is decided: what is behind it is history. `chains` as in `following.Why`. Audit rows are
    the caller's.
    """
    parts = [
        _decided(transaction, some, own, today)
        for own, some in _by_protocol(transaction, patient_ids, rules, keep=keep_protocol)
    ]
    decisions = pl.concat(parts) if parts else pl.DataFrame(schema=DECISIONS | {"is_same": pl.Boolean()})
    changed = decisions.filter(~pl.col("is_same"))
    why = Why(
        raised=raised(changed) if parts else (),
        planned=tuple(changed["episode_id"]) if parts else (),
        chains=_chains(changed, pl.DataFrame(schema=CHAINS) if chains is None else chains),
    )
    days = transaction.patients(patient_ids).select("patient_id", today=pl.lit(today))
    return DecidedAgain(decisions=decisions, followed=follow(transaction, days, rules, why=why))


def _chains(changed: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The steps that the caller knows of, and what became of the intensity."""
    if changed.is_empty():
        return given
    decided = changed.select(
        "patient_id", pl.struct(step=pl.lit("intensity"), old="old_intensity", new="intensity", because="because")
    )
    last = decided.select("patient_id", last=pl.col("step").struct.json_encode())
    both = given.join(last, on="patient_id", how="full", coalesce=True)
    return both.select("patient_id", steps=pl.concat_str("steps", "last", separator=", ", ignore_nulls=True))


def _by_protocol(
    transaction: Transaction, patient_ids: Ids, rules: Rules, *, keep: bool
) -> Iterator[tuple[Rules, pl.DataFrame]]:
    """The latest episodes that go on (else the latest), together as far as they are to follow one protocol."""
    sites = transaction.patients(patient_ids).select("patient_id", "site")
    goes_on = pl.col("state") != State.ENDED.value
    episodes = transaction.episodes_of(patient_ids).sort("patient_id", goes_on, "anchor_on", "episode_id")
    latest = episodes.unique("patient_id", keep="last", maintain_order=True).join(sites, on="patient_id")
    if keep:
        yield from by_own_protocol(transaction, latest, rules)
    elif latest.height:
        yield rules, latest


def _decided(transaction: Transaction, episodes: pl.DataFrame, rules: Rules, today: date) -> pl.DataFrame:
    """The decisions about episodes that follow one protocol, stored where they differ from the plan."""
    after_surgery = episodes.filter(pl.col("resection_id").is_not_null())
    signed = signed_findings(transaction, after_surgery["patient_id"], rules.rulebook.dictionary)
    parts = [_of_treated(transaction, episodes.filter(pl.col("resection_id").is_null()), rules, today)]
    if signed.height:
        assessments = _assessments(transaction, signed, rules)
        parts.append(decide(transaction, signed, assessments, rules, today=today))
    decisions = pl.concat(parts, how="diagonal_relaxed").with_columns(is_same_plan(rules).alias("is_same"))
    transaction.append_rule_texts(rules.texts)
    replace_plans(transaction, decisions.filter(~pl.col("is_same")), rules)
    return decisions


def _of_treated(transaction: Transaction, episodes: pl.DataFrame, rules: Rules, today: date) -> pl.DataFrame:
    """Episodes that a treatment began: intensive, since no model speaks of them, unless a clinician says otherwise."""
    treated = episodes.with_columns(
        signed_stage=pl.lit("treatment"),
        afterwards_months=pl.lit(None, dtype=pl.Int64),
        no_surveillance=pl.lit(None, dtype=pl.String),
    )
    intensive = pl.lit(Intensity.INTENSIVE.value)
    because = pl.concat_list(begun_by_treatment())
    decided = treated.with_columns(
        stage=pl.lit(None), intensity=intensive, lowest_intensity=intensive, provisional=False, because=because
    ).select(pl.col(name).cast(kind) for name, kind in DECISIONS.items())
    facts = treated.select(*EPISODE, "afterwards_months", "no_surveillance")
    return in_force(transaction, decided, facts, rules, today=today)


def _assessments(transaction: Transaction, signed: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What the protocol's models say of each patient's signed reports; scored and stored where nobody has yet."""
    stored = _stored(transaction, signed)
    parts = [stored]
    named = {reference for stage in rules.protocol.stages for reference in stage.models}
    for compiled in (rules.rulebook.models[reference] for reference in sorted(named)):
        is_scored = pl.col("patient_id").is_in(
            stored.filter(pl.col("model_digest") == compiled.digest)["patient_id"].implode()
        )
        is_signed = pl.col(f"{compiled.model.scored_at}_version") > 0
        lacking = signed.filter(is_signed & ~is_scored)
        if lacking.height:
            parts.append(score_and_store(transaction, lacking, [compiled], rules).select(stored.columns))
    return pl.concat(parts)


def _stored(transaction: Transaction, signed: pl.DataFrame) -> pl.DataFrame:
    """The assessments of the reports that are signed now, as `scoring.score` gives them, as far as deciding needs."""
    versions = signed.select("patient_id", "resection_id", "surgery_version", "pathology_version")
    now = pl.when(pl.col("stage") == "surgery").then(0).otherwise(pl.col("pathology_version_right"))
    return (
        transaction.assessments_of(signed["resection_id"])
        .join(versions, on=["resection_id", "surgery_version"], maintain_order="left")
        .filter(pl.col("pathology_version") == now)
        .with_columns(pl.col(name).str.json_decode(pl.List(pl.String)) for name in LISTS)
        .select(
            "patient_id", "stage", "model_version", "model_digest", "status", "applicability", *LISTS, model="model_id"
        )
    )
