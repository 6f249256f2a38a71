"""Days on which a site is closed beside weekends and public holidays; due days move off them, inside their windows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.plans.replan import Progress, Replan, Replanned, replan
from scheduler.actions.plans.rules import Rules
from scheduler.actions.sites.describe_site import calendars_of
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.calendar import without_working_day
from scheduler.core.visit_changes import visit_name
from scheduler.errors import Conflict
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class NotClosed(Conflict):
    """Days that are to be opened and are not closed."""

    def __init__(self, *, site: str, days: Sequence[date]) -> None:
        listed = ", ".join(map(str, days[:5]))
        super().__init__(
            f"{site} is not closed on {listed}; nothing was changed",
            advice=f"`hepwatch site closures {site}` shows the days on which it is closed.",
        )


@dataclass(frozen=True, kw_only=True)
class Closed:
    """What closing or opening did: the days that changed, what became of plans, and windows without a working day.

    `without` has `mrn, visit, opens_on, due_on, closes_on`: nobody can come on time, and a person has to decide.
    """

    days: tuple[date, ...]
    replanned: Replanned
    without: pl.DataFrame


def close_site(
    registry: Registry,
    rules: Rules,
    code: str,
    *,
    days: Sequence[date],
    reason: str,
    today: date,
    actor: str,
    preview: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Closed:
    """Close a site on these days and move the due days of its patients off them; days that are closed stay so.

    Raises `SiteNotFound`.
    """
    with registry.transaction(keep=not preview) as transaction:
        site_id = _site_id(transaction, code)
        new = sorted(set(days) - set(transaction.closures_of([site_id])["closed_on"]))
        rows = pl.DataFrame({"closed_on": new}, schema={"closed_on": pl.Date}).with_columns(
            site_id=pl.lit(site_id), reason=pl.lit(reason), recorded_by=pl.lit(actor)
        )
        transaction.append("closures", rows)
        _audit(transaction, "close_site", code, new, actor=actor, reason=reason)
        closed = replace(rules, working_days=calendars_of(transaction))
    step = {"step": "closure", "site": code, "closed_on": new, "because": reason}
    wanted = Replan(today=today, actor=actor, reason=reason, site=code, preview=preview, step=step)
    return _moved(registry, closed, new, wanted, progress)


def open_site(
    registry: Registry,
    rules: Rules,
    code: str,
    *,
    days: Sequence[date],
    reason: str,
    today: date,
    actor: str,
    preview: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Closed:
    """Open a site again on days on which it was to be closed. Raises `SiteNotFound` and `NotClosed`."""
    with registry.transaction(keep=not preview) as transaction:
        site_id = _site_id(transaction, code)
        gone = sorted(set(days))
        if strange := sorted(set(gone) - set(transaction.closures_of([site_id])["closed_on"])):
            raise NotClosed(site=code, days=strange)
        transaction.delete_closures(site_id, gone)
        _audit(transaction, "open_site", code, gone, actor=actor, reason=reason)
        opened = replace(rules, working_days=calendars_of(transaction))
    step = {"step": "closure", "site": code, "opened_on": gone, "because": reason}
    wanted = Replan(today=today, actor=actor, reason=reason, site=code, preview=preview, step=step)
    return _moved(registry, opened, gone, wanted, progress)


def list_closures(registry: Registry, code: str) -> pl.DataFrame:
    """`closed_on, reason, recorded_by` of a site's own closed days. Raises `SiteNotFound`."""
    with registry.reading() as reading:
        return reading.closures_of([_site_id(reading, code)]).select("closed_on", "reason", "recorded_by")


def _site_id(reading: Reading, code: str) -> int:
    check_site(reading, code)
    return int(reading.sites().filter(pl.col("site") == code)["site_id"][0])


def _audit(transaction: Transaction, action: str, code: str, days: Sequence[date], *, actor: str, reason: str) -> None:
    details = pl.DataFrame([{"site": code, "days": [str(day) for day in days]}])
    row = details.select(action=pl.lit(action), details=pl.struct(pl.all()).struct.json_encode())
    audit(transaction, row, actor=actor, reason=reason)


def _moved(registry: Registry, rules: Rules, days: Sequence[date], wanted: Replan, progress: Progress) -> Closed:
    """Move the site's due days to where its working days are now."""
    done = replan(registry, rules, wanted, progress=progress)
    assert wanted.site is not None
    return Closed(days=tuple(days), replanned=done, without=_without(registry, rules, wanted.site, wanted.today))


def _without(registry: Registry, rules: Rules, code: str, today: date) -> pl.DataFrame:
    """The open visits ahead at a site in whose window nobody works."""
    with registry.reading() as reading:
        patients = reading.patients().filter(pl.col("site") == code)["patient_id"]
        owners = reading.episodes_of(patients).select("episode_id", "patient_id")
        is_ahead = (pl.col("status") == "open") & (pl.col("closes_on") >= today)
        visits = reading.visits_of(owners["episode_id"]).filter(is_ahead)
        nobody = without_working_day(visits, rules.working_days(code))
        named = nobody.join(owners, on="episode_id").join(
            reading.identities(owners["patient_id"]).select("patient_id", "mrn"), on="patient_id"
        )
    return named.select("mrn", visit_name().alias("visit"), "opens_on", "due_on", "closes_on")
