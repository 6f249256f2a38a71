"""Visits that exist, for the tests of `reconcile`, and what the store makes of its changes."""

from datetime import date
from typing import Any

import polars as pl

from scheduler.core.catch_up import COMPLETED, CatchingUp
from scheduler.core.reconcile import EXISTING, KEY, reconcile
from tests.core.protocol_documents import WEEKENDS_ONLY, a_plan, a_protocol

LIVER = "liver_ct_mri"
ANCHOR = date(2026, 1, 31)
CLOSES_ON = date(2026, 4, 14)


def a_visit(**overrides: Any) -> dict[str, Any]:
    """An open visit two months after the resection of 31 January 2026."""
    visit = {
        "visit_id": 1,
        "episode_id": 1,
        "origin": "grid",
        "grid_month": 2,
        "procedures": [LIVER, "afp"],
        "opens_on": date(2026, 2, 28),
        "due_on": date(2026, 3, 31),
        "closes_on": CLOSES_ON,
        "status": "open",
    }
    return visit | overrides


def existing(*visits: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(visits), schema=EXISTING)


def as_planned(intensity: str | None, **options: Any) -> pl.DataFrame:
    """The visits of a whole plan from 31 January 2026, as they stand open in the registry."""
    planned = a_plan(ANCHOR, intensity=intensity, **{"horizon_month": 36} | options)
    return reconciled(existing(), planned, today=ANCHOR, whole=True)


def with_status(visits: pl.DataFrame, status: str, *months: int) -> pl.DataFrame:
    """The visits, those of these months in this state."""
    is_one = pl.col("grid_month").is_in(months)
    return visits.with_columns(status=pl.when(is_one).then(pl.lit(status)).otherwise("status"))


def catching_up(*imaged_on: date, raised: bool = False) -> CatchingUp:
    """The basis of catch-up visits of episode 1, followed by the default protocol, imaged on these days."""
    completed = pl.DataFrame([(1, LIVER, day) for day in imaged_on], schema=COMPLETED, orient="row")
    episodes = pl.Series([1] if raised else [], dtype=pl.Int64)
    return CatchingUp(protocol=a_protocol(), working_days=WEEKENDS_ONLY, completed=completed, raised=episodes)


def booked(*appointments: tuple[int, date]) -> pl.DataFrame:
    return pl.DataFrame(list(appointments), schema={"visit_id": pl.Int64, "booked_on": pl.Date}, orient="row")


def reconciled(visits: pl.DataFrame, planned: pl.DataFrame, **options: Any) -> pl.DataFrame:
    """The visits as the registry holds them once they are reconciled."""
    return applied(visits, reconcile(visits, planned, **options))


def applied(visits: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The visits as the registry holds them once the changes are made; a new visit gets an id that nobody has."""
    status = (
        pl.when(pl.col("change") == "added")
        .then(pl.lit("open"))
        .when(pl.col("change") == "withdrawn")
        .then(pl.lit("withdrawn"))
        .otherwise("status")
    )
    next_id = int(visits.select(pl.col("visit_id").max().fill_null(0)).item()) + 1
    return (
        changes.join(visits.select(*KEY, "status"), on=KEY, how="left", maintain_order="left")
        .with_columns(status=status, visit_id=pl.col("visit_id").fill_null(next_id + pl.int_range(pl.len())))
        .select(*EXISTING)
    )
