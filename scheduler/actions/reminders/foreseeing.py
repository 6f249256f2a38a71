"""Who would be told what on a day, and why somebody would not: nothing is claimed, nothing is sent."""

from dataclasses import replace
from datetime import date

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.asking import SiteDay, what_is_said
from scheduler.actions.reminders.remind import site_days
from scheduler.actions.reminders.running import Reminding, Run
from scheduler.core.reminders.ledger import Outcome
from scheduler.core.visit_changes import visit_name
from scheduler.delivery.channels import Channels
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

FORESEEN: dict[str, pl.DataType] = {
    "site": pl.String(),
    "on": pl.Date(),
    "mrn": pl.String(),
    "about": pl.String(),  # a visit of the patient such as grid-6, or a task
    "rung": pl.String(),
    "occurrence": pl.Int64(),
    "recipient": pl.String(),
    "channel": pl.String(),
    "outcome": pl.String(),  # an Outcome; owed: it would be sent
    "why_not": pl.String(),
}


def foresee(
    registry: Registry, rules: Rules, channels: Channels, reminding: Reminding, *, on: date | None = None
) -> pl.DataFrame:
    """Everything that is asked for on each site's today, or on a day (`FORESEEN`), by site, outcome and patient.

    A day to come is answered as things stand now. What earlier days settled is not told. Raises `SiteNotFound`.
    """
    run = Run(registry=registry, rules=rules, channels=channels, reminding=reminding)
    with registry.reading() as reading:
        parts = [_of_day(reading, run, _day(today, on)) for today in site_days(run)]
    order = ["site", "outcome", "mrn", "about", "recipient"]
    return pl.concat([pl.DataFrame(schema=FORESEEN), *parts]).sort(order)


def _day(today: SiteDay, on: date | None) -> SiteDay:
    if on is None or on == today.on:
        return today
    return replace(today, on=on, is_past=on < today.on, is_late=False)


def _of_day(reading: Reading, run: Run, day: SiteDay) -> pl.DataFrame:
    rows = what_is_said(reading, run.rules, run.policy, day).outcomes
    told = named(reading, rows).with_columns(site=pl.lit(day.site), on=pl.lit(day.on))
    claimed = pl.when(pl.col("outcome") == Outcome.CLAIMED.value).then(pl.lit("being sent")).otherwise("outcome")
    return told.with_columns(outcome=claimed).select(pl.col(name).cast(kind) for name, kind in FORESEEN.items())


def named(reading: Reading, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `mrn`, and `about`: the visit's name or the task in words."""
    people = reading.identities(rows["patient_id"].unique()).select("patient_id", "mrn")
    visits = reading.visits_by_id(rows["visit_id"].drop_nulls().unique())
    names = visits.select("visit_id", visit_name().alias("visit"))
    return (
        rows.join(people, on="patient_id", how="left", maintain_order="left")
        .join(names, on="visit_id", how="left", maintain_order="left")
        .with_columns(about=pl.coalesce("visit", pl.col("task").str.replace_all("_", " ")))
    )
