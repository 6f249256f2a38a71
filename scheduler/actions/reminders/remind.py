"""Remind: account for the days that were missed, then say today what is owed today, at each site in its own day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from zlib import crc32

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.accounting import (
    REMINDERS,
    Accounted,
    Balance,
    account_for,
    account_for_missed,
    balance_of,
)
from scheduler.actions.reminders.asking import SiteDay, what_is_asked
from scheduler.actions.reminders.claiming import Kinds, claim, settle_stale_claims
from scheduler.actions.reminders.days import gaps
from scheduler.actions.reminders.hours import by_now, is_late, is_over
from scheduler.actions.reminders.running import Reminding, Run
from scheduler.actions.reminders.sending import send
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.calendar import local_day
from scheduler.core.reminders.ledger import Outcome
from scheduler.delivery.channels import Channels
from scheduler.errors import ClinicalDataError
from scheduler.store.registry import Registry

MOST_PASSES = 10  # over what is owed: whom another transaction held, or of whom something was recorded meanwhile


class DayToCome(ClinicalDataError):
    """A day that has not begun: what would be sent now would be sent too early."""

    def __init__(self, *, site: str, on: date, today: date) -> None:
        super().__init__(
            f"{on} has not begun at {site}, where today is {today}; nothing was sent",
            advice="Look ahead with --dry-run, or leave --as-of out.",
        )


def remind(registry: Registry, rules: Rules, channels: Channels, reminding: Reminding) -> tuple[Balance, ...]:
    """Send what is owed today; gives the balance of every day that was accounted for, today's last, site by site.

    Each site has its own today. Done again the same day it sends what has come to be owed since, and tries again what
    certainly did not arrive; everything else stays. Stopped, or when the site's day is over, it gives back what it had
    not begun. Where a day to come is accounted for already, a clock is wrong: that is told as `clock_behind`, and what
    was told on the later day is not told again. Raises `SiteNotFound`, and the errors of the database where
    `reminding` has no more patience with it.
    """
    run = Run(registry=registry, rules=rules, channels=channels, reminding=reminding)
    balances: list[Balance] = []
    for today in run.patiently(lambda: site_days(run)):
        _tell_if_behind(run, today)
        balances += _missed(run, today)
        if reminding.stopping():
            break
        balances.append(_today(run, today))
    return tuple(balances)


def account_until(
    registry: Registry, rules: Rules, channels: Channels, reminding: Reminding, *, on: date
) -> tuple[Balance, ...]:
    """Account for the missed days up to one that is over, or do today; gives their balances, and that of the day.

    Nothing is sent for a day that is over. Raises `DayToCome` for one that has not begun at a site.
    """
    run = Run(registry=registry, rules=rules, channels=channels, reminding=reminding)
    balances: list[Balance] = []
    for today in run.patiently(lambda: site_days(run)):
        if on > today.on:
            raise DayToCome(site=today.site, on=on, today=today.on)
        _tell_if_behind(run, today)
        if on == today.on:
            balances += [*_missed(run, today), _today(run, today)]
            continue
        balances += _missed(run, today, until=on)
        known = run.patiently(lambda: _known(run, today, on))  # noqa: B023 (called at once)
        balances += [known] if known and known not in balances else []
    return tuple(balances)


def site_days(run: Run) -> list[SiteDay]:
    """Each site with its own today."""
    now = run.reminding.now()
    with run.registry.reading() as reading:
        check_site(reading, run.reminding.site)
        sites = reading.sites()
    wanted = sites if run.reminding.site is None else sites.filter(pl.col("site") == run.reminding.site)
    return [
        SiteDay(
            site_id=row["site_id"],
            site=row["site"],
            time_zone=row["time_zone"],
            on=local_day(now, row["time_zone"]),
            has_channels=run.channels.are_configured,
            is_late=is_late(run, row["time_zone"]),
        )
        for row in wanted.iter_rows(named=True)
    ]


def _known(run: Run, today: SiteDay, on: date) -> Balance | None:
    with run.registry.reading() as reading:
        return balance_of(reading, today.site_id, on)


def _tell_if_behind(run: Run, today: SiteDay) -> None:
    """Tell where a later day than today was accounted for already: this clock went back, or another was ahead."""
    last = run.patiently(lambda: _last_accounted(run, today))
    if last is not None and last > today.on:
        run.reminding.told("clock_behind", site=today.site, on=today.on, accounted_until=last)


def _last_accounted(run: Run, today: SiteDay) -> date | None:
    with run.registry.reading() as reading:
        days = reading.job_days(REMINDERS, site_id=today.site_id, since=today.on)["ran_for"].to_list()
    return max(days, default=None)


def _missed(run: Run, today: SiteDay, *, until: date | None = None) -> list[Balance]:
    """Account for each day before today that is not accounted for, the earliest first, up to a day (inclusive).

    What a worker died over is settled first, so that its day tells what became of it. A day of which a worker holds
    claims that are not stale yet is left to that worker, or to the next run.
    """
    run.patiently(lambda: settle_stale_claims(run, today))
    found = run.patiently(lambda: gaps(run.registry, now=run.reminding.now(), site=today.site))
    last = today.on - timedelta(days=1) if until is None else until
    held = run.patiently(lambda: _held(run, today))
    days = [on for on in found.filter(pl.col("on") <= last)["on"].to_list() if on not in held]
    if not days:
        return []
    standing = run.patiently(lambda: _standing(run, today))
    balances = []
    for on in days:
        if run.reminding.stopping():
            break
        missed = replace(today, on=on, is_past=True, is_late=False)
        balances.append(run.patiently(lambda: account_for_missed(run, missed, standing)))  # noqa: B023 (called at once)
    return balances


def _standing(run: Run, today: SiteDay) -> pl.DataFrame:
    """What is asked for today: looked up once for all the days that were missed."""
    with run.registry.reading() as reading:
        return what_is_asked(reading, run.rules, run.policy, today)


def _held(run: Run, today: SiteDay) -> set[date]:
    """The days of the site of which a worker holds claims."""
    with run.registry.reading() as reading:
        claimed = reading.reminders_not_sent([Outcome.CLAIMED.value], site_id=today.site_id)
    return set(claimed["owed_on"])


def _today(run: Run, day: SiteDay) -> Balance:
    """Account, claim and send, until nothing is owed any more or the run is to stop."""
    started_at = run.reminding.now()
    day = by_now(run, replace(day, tried_before=started_at))
    found = run.patiently(lambda: account_for(run, day, started_at=started_at))
    for _ in range(MOST_PASSES):
        if found.owed.is_empty() or is_over(run, day):
            break
        found = _pass(run, day, found, started_at)
        day = by_now(run, day)
    return found.balance


def _pass(run: Run, day: SiteDay, found: Accounted, started_at: datetime) -> Accounted:
    """Claim and send once what is owed, and account for it; what is owed still is then looked up anew."""
    decided = found.said
    for patients, kinds in _portions(found.owed, run.reminding):
        claims = run.patiently(lambda: claim(run, day, decided, patients, kinds=kinds))  # noqa: B023 (called at once)
        decided = claims.said
        send(run, day, claims)
        if is_over(run, day) or by_now(run, day) != day:
            break
    after = run.patiently(lambda: account_for(run, day, started_at=started_at, decided=decided))
    if after.owed.is_empty():
        return after
    return run.patiently(lambda: account_for(run, by_now(run, day), started_at=started_at))


def _portions(owed: pl.Series, how: Reminding) -> Iterator[tuple[pl.Series, Kinds]]:
    """A bounded number of patients at a time, and the digests in one piece.

    Each worker begins at a place of its own, so that several do not walk behind each other.
    """
    if len(owed) <= how.at_a_time:
        yield owed, Kinds()
        return
    starts = list(range(0, len(owed), how.at_a_time))
    first = crc32(how.worker.encode()) % len(starts)
    for start in (*starts[first:], *starts[:first]):
        yield owed[start : start + how.at_a_time], Kinds(digests=False)
    yield owed, Kinds(singles=False)
