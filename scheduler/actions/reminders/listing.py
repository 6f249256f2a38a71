"""What the ledger has: what was sent, what failed, and what nobody knows the outcome of."""

from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from scheduler.actions.finding import patients_named
from scheduler.actions.reminders.foreseeing import named
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.reminders.ledger import Outcome, still_waiting
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

LISTED: dict[str, pl.DataType] = {
    "message": pl.Int64(),
    "site": pl.String(),
    "on": pl.Date(),
    "mrn": pl.String(),
    "about": pl.String(),
    "rung": pl.String(),
    "occurrence": pl.Int64(),
    "recipient": pl.String(),
    "channel": pl.String(),
    "state": pl.String(),
    "attempts": pl.Int64(),
    "why": pl.String(),
    "goes_out_again": pl.Boolean(),  # failed, and tried again by the next run; else an open one waits for a person
}
NOT_SENT = (Outcome.UNKNOWN.value, Outcome.FAILED.value, Outcome.CLAIMED.value)


def list_reminders(
    registry: Registry,
    *,
    states: Collection[str],
    since: date,
    until: date,
    site: str | None = None,
    mrns: Collection[str] = (),
) -> pl.DataFrame:
    """The rows of the ledger in these states on the accounts of some days, both included (`LISTED`), newest first.

    What is not sent is listed whatever its day, but for what failed and in whose place a later reminder about the same
    visit or task has reached its recipient: nothing is left to do about it. `mrns` (or `#17`) narrows to some patients.
    Raises `SiteNotFound` and `PatientNotFound`.
    """
    with registry.reading() as reading:
        check_site(reading, site)
        sites = reading.sites().select("site_id", "site")
        site_id = None if site is None else int(sites.filter(pl.col("site") == site)["site_id"][0])
        days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
        sent = [reading.reminders_sent_on(days, site_id=site_id)] if Outcome.SENT.value in states else []
        waiting = reading.reminders_not_sent([state for state in states if state in NOT_SENT], site_id=site_id)
        rows = pl.concat([*sent, _open(reading, waiting)]).join(sites, on="site_id", maintain_order="left")
        if mrns:
            rows = rows.filter(pl.col("patient_id").is_in(patients_named(reading, mrns, site=site).implode()))
        told = named(reading, rows).rename(
            {"message_id": "message", "message": "text", "owed_on": "on", "may_repeat": "goes_out_again"}
        )
    return told.sort(["on", "message", "mrn"], descending=[True, False, False]).select(*LISTED)


def _open(reading: Reading, waiting: pl.DataFrame) -> pl.DataFrame:
    """What waits for a person or for the next run."""
    failed = waiting.filter(pl.col("state") == Outcome.FAILED.value)
    ledger = reading.reminders_of(failed["visit_id"].drop_nulls(), tasks_of=failed["patient_id"])
    others = waiting.filter(pl.col("state") != Outcome.FAILED.value)
    return pl.concat([others, still_waiting(failed, ledger)]).sort("reminder_id")
