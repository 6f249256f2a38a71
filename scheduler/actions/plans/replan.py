"""Plan known patients anew: by another protocol, or as time goes by (overrides that ran out, plans that run out)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.plans.changing_visits import STAYS
from scheduler.actions.plans.deciding_again import DecidedAgain, decide_again
from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.chains import CHAINS, as_steps
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

Progress = Callable[[int, int], None]
INTENSITIES: dict[str, pl.DataType] = {
    "old_intensity": pl.String(),  # missing where there was no plan
    "intensity": pl.String(),  # missing where there is to be none
    "patients": pl.Int64(),
}


@dataclass(frozen=True, kw_only=True)
class Replan:
    """What is to be planned anew: who acts and why, one site or all, and whether nothing is to be kept."""

    today: date
    actor: str
    reason: str | None = None
    site: str | None = None
    to_protocol: bool = False  # by the protocol of the rules; otherwise each patient's own
    preview: bool = False
    at_a_time: int = 1_000  # patients in one transaction
    step: Mapping[str, object] = field(default_factory=lambda: {"step": "day"})  # what leads to it, for the chain


@dataclass(frozen=True, kw_only=True)
class Replanned:
    """What planning anew did, or would do.

    `patients` were looked at; `replanned` got a new plan version; of `moved` a visit changed; `intensities`
    (`INTENSITIES`) count the old and new intensity of those who were replanned; `visits` (`change, visits`) count what
    became of visits.
    """

    patients: int
    replanned: int
    moved: int
    intensities: pl.DataFrame
    visits: pl.DataFrame


def replan(
    registry: Registry, rules: Rules, wanted: Replan, *, progress: Progress = lambda _done, _all: None
) -> Replanned:
    """Plan everybody anew whose episode has not ended, a bounded number at a time, each number in one transaction.

    Whoever is planned so already is not written: interrupted and run again, it goes on where it was. Raises
    `SiteNotFound`.
    """
    patients = _patients(registry, wanted.site)
    parts = []
    for start in range(0, len(patients), wanted.at_a_time):
        some = patients[start : start + wanted.at_a_time]
        with registry.transaction(keep=not wanted.preview) as transaction:
            transaction.lock_patients(some)
            parts.append(_replan_some(transaction, some, rules, wanted))
        progress(min(start + wanted.at_a_time, len(patients)), len(patients))
    return _added_up(parts)


def _patients(registry: Registry, site: str | None) -> pl.Series:
    """The patients with an episode that goes on."""
    with registry.reading() as reading:
        check_site(reading, site)
        going_on = reading.episodes_of().filter(pl.col("state") != "ended")["patient_id"].unique().sort()
        if site is None:
            return going_on
        return reading.patients(going_on).filter(pl.col("site") == site)["patient_id"]


def _replan_some(transaction: Transaction, patients: pl.Series, rules: Rules, wanted: Replan) -> Replanned:
    step = {"step": "protocol", "to": rules.protocol.reference} if wanted.to_protocol else wanted.step
    steps = as_steps([{**step, "by": wanted.actor, "on": wanted.today}])
    decided = decide_again(
        transaction,
        patients,
        rules,
        today=wanted.today,
        chains=pl.DataFrame({"patient_id": patients, "steps": steps}, schema=CHAINS),
        keep_protocol=not wanted.to_protocol,
    )
    changed = _with_patients(transaction, decided)
    _audit(transaction, decided, changed, rules, wanted)
    replanned = decided.decisions.filter(~pl.col("is_same"))
    transaction.raise_versions(pl.concat([replanned["patient_id"], changed["patient_id"]]).unique())
    followed = pl.when(pl.col("no_surveillance").is_null()).then("intensity") if replanned.height else pl.lit(None)
    return Replanned(
        patients=len(patients),
        replanned=replanned.height,
        moved=changed["patient_id"].n_unique(),
        intensities=_counted_intensities(replanned, followed),
        visits=decided.followed.changes.group_by("change").agg(visits=pl.len().cast(pl.Int64)),
    )


def _counted_intensities(replanned: pl.DataFrame, followed: pl.Expr) -> pl.DataFrame:
    if replanned.is_empty():
        return pl.DataFrame(schema=INTENSITIES)
    counted = replanned.with_columns(intensity=followed).group_by("old_intensity", "intensity")
    return counted.agg(patients=pl.len().cast(pl.Int64))


def _with_patients(transaction: Transaction, decided: DecidedAgain) -> pl.DataFrame:
    """The visits that changed, each with its patient."""
    changes = decided.followed.changes.filter(~pl.col("change").is_in(STAYS))
    owners = transaction.patients_of_episodes(changes["episode_id"])
    return changes.join(owners, on="episode_id", how="left", maintain_order="left")


def _audit(
    transaction: Transaction, decided: DecidedAgain, changed: pl.DataFrame, rules: Rules, wanted: Replan
) -> None:
    """A row for each patient whose plan or visits changed."""
    counts = changed.group_by("patient_id").agg(visits=pl.len())
    planned = decided.decisions.filter(~pl.col("is_same"))
    versions = (
        planned.select(
            "patient_id",
            plan_version=pl.col("old_version") + 1,
            was="old_intensity",
            intensity="intensity",
        )
        if planned.height
        else pl.DataFrame(schema={"patient_id": pl.Int64})
    )
    rows = versions.join(counts, on="patient_id", how="full", coalesce=True).sort("patient_id")
    if rows.is_empty():
        return
    details = pl.struct(pl.exclude("patient_id")).struct.json_encode()
    said = rows.select("patient_id", action=pl.lit("replan"), details=details)
    audit(transaction, said, actor=wanted.actor, reason=wanted.reason, rule_digests=rules.digests_text)


def _added_up(parts: list[Replanned]) -> Replanned:
    intensities = pl.concat([pl.DataFrame(schema=INTENSITIES), *(part.intensities for part in parts)])
    visits = pl.concat(
        [pl.DataFrame(schema={"change": pl.String, "visits": pl.Int64}), *(part.visits for part in parts)]
    )
    return Replanned(
        patients=sum(part.patients for part in parts),
        replanned=sum(part.replanned for part in parts),
        moved=sum(part.moved for part in parts),
        intensities=intensities.group_by("old_intensity", "intensity").agg(pl.col("patients").sum()).sort(pl.all()),
        visits=visits.group_by("change").agg(pl.col("visits").sum()).sort("change"),
    )
