"""Days on which a site is closed beside weekends and public holidays; due days move off them, inside their windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.describe_site import calendars
from scheduler.actions.list_worklist import SiteNotFound
from scheduler.actions.replan import Progress, Replan, Replanned, replan
from scheduler.actions.rules import Rules
from scheduler.core.calendar import WorkingDays, without_working_day
from scheduler.errors import Conflict
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
        known = set(transaction.closures_of([site_id])["closed_on"])
        new = sorted(set(days) - known)
        rows = pl.DataFrame({"closed_on": new}, schema={"closed_on": pl.Date}).with_columns(
            site_id=pl.lit(site_id), reason=pl.lit(reason), recorded_by=pl.lit(actor)
        )
        transaction.append("closures", rows)
        _audit(transaction, "close_site", code, new, actor=actor, reason=reason)
    closed = replace(rules, working_days=_with(rules, code, also=frozenset(new)))
    step = {"step": "closure", "site": code, "closed_on": new, "because": reason}
    wanted = Replan(today=today, actor=actor, reason=reason, site=code, preview=preview, step=step)
    done = replan(registry, closed, wanted, progress=progress)
    return Closed(days=tuple(new), replanned=done, without=_without(registry, closed, code, today))


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
        known = set(transaction.closures_of([site_id])["closed_on"])
        if strange := sorted(set(days) - known):
            raise NotClosed(site=code, days=strange)
        gone = sorted(set(days))
        transaction.delete_closures(site_id, gone)
        _audit(transaction, "open_site", code, gone, actor=actor, reason=reason)
        opened = replace(rules, working_days=_with(rules, code, without=frozenset(gone)))
    step = {"step": "closure", "site": code, "opened_on": gone, "because": reason}
    wanted = Replan(today=today, actor=actor, reason=reason, site=code, preview=preview, step=step)
    rules_after = opened if preview else replace(rules, working_days=calendars(registry))
    done = replan(registry, rules_after, wanted, progress=progress)
    return Closed(days=tuple(gone), replanned=done, without=_without(registry, rules_after, code, today))


def list_closures(registry: Registry, code: str) -> pl.DataFrame:
    """`closed_on, reason, recorded_by` of a site's own closed days. Raises `SiteNotFound`."""
    with registry.reading() as reading:
        sites = reading.sites()
        if code not in sites["site"].to_list():
            raise SiteNotFound(site=code, known=sites["site"].to_list())
        site_id = sites.filter(pl.col("site") == code)["site_id"]
        return reading.closures_of(site_id).select("closed_on", "reason", "recorded_by")


def _site_id(transaction: Transaction, code: str) -> int:
    sites = transaction.sites()
    found = sites.filter(pl.col("site") == code)["site_id"]
    if found.is_empty():
        raise SiteNotFound(site=code, known=sites["site"].to_list())
    return int(found[0])


def _audit(transaction: Transaction, action: str, code: str, days: Sequence[date], *, actor: str, reason: str) -> None:
    details = pl.DataFrame([{"site": code, "days": [str(day) for day in days]}])
    row = details.select(action=pl.lit(action), details=pl.struct(pl.all()).struct.json_encode())
    audit(transaction, row, actor=actor, reason=reason)


def _with(
    rules: Rules, code: str, *, also: frozenset[date] = frozenset(), without: frozenset[date] = frozenset()
) -> Callable[[str], WorkingDays]:
    """Each site's working days, one site's with other closed days."""

    def of(site: str) -> WorkingDays:
        known = rules.working_days(site)
        return replace(known, closed=(known.closed | also) - without) if site == code else known

    return of


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
    visit = pl.format("{}-{}", "origin", "grid_month").alias("visit")
    return named.select("mrn", visit, "opens_on", "due_on", "closes_on")
