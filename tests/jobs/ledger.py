"""A clinic's work as the service sees it: a stand-in for the registry that keeps accounts of days in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from scheduler.actions.reminders.accounting import Balance
from scheduler.actions.reminders.running import Reminding
from scheduler.actions.reminders.unreached import Unreached
from scheduler.core.calendar import local_day
from scheduler.jobs.keeping import Keeping, Serving
from scheduler.jobs.standing import DAYS, GAPS, Look

SEVEN = time(7)
SEOUL_AT_7 = datetime(2026, 11, 21, 22, tzinfo=UTC)


def a_balance(site: str, on: date, state: str = "balanced") -> Balance:
    return Balance(
        site=site, on=on, state=state, eligible=3, sent=2, failed=0, suppressed=1, unknown=0, reasons={"booked": 1}
    )


@dataclass(kw_only=True)
class Ledger:
    """Days that were accounted for, by site; `before` runs in each site's day and may raise."""

    zones: dict[str, str] = field(default_factory=lambda: {"seoul": "Asia/Seoul"})
    first: date = date(2026, 11, 22)
    done: dict[tuple[str, date], Balance] = field(default_factory=dict)
    before: Callable[[Reminding], None] = lambda _reminding: None
    before_look: Callable[[], None] = lambda: None
    state: str = "balanced"
    missing: tuple[Unreached, ...] = ()

    def unreached(self, now: datetime) -> tuple[Unreached, ...]:  # noqa: ARG002 (as the registry is asked)
        return self.missing

    def look(self, now: datetime) -> Look:
        self.before_look()
        missing = [
            (site, zone, "reminders", on)
            for site, zone in self.zones.items()
            for on in self._days(site, now)
            if (site, on) not in self.done
        ]
        days = [("reminders", b.site, b.on, b.state, now, now, b.eligible, b.sent, b.failed, b.suppressed, b.unknown)
                for b in self.done.values()]  # fmt: skip
        return Look(
            zones=dict(self.zones),
            gaps=pl.DataFrame(missing, schema=GAPS, orient="row"),
            days=pl.DataFrame(days, schema=DAYS, orient="row"),
            unknown_waiting=0,
        )

    def do(self, reminding: Reminding) -> tuple[Balance, ...]:
        self.before(reminding)
        site, now = str(reminding.site), reminding.now()
        today = local_day(now, self.zones[site])
        for on in self._days(site, now):
            if (site, on) not in self.done:
                self.done[site, on] = a_balance(site, on, self.state if on == today else "missed")
        return tuple(balance for (of, _), balance in self.done.items() if of == site)

    def _days(self, site: str, now: datetime) -> list[date]:
        count = (local_day(now, self.zones[site]) - self.first).days + 1
        return [self.first + timedelta(days=number) for number in range(count)]


@dataclass(kw_only=True)
class Told:
    """What was told."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, action: str, **facts: object) -> None:
        self.lines.append((action, facts))

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.lines]


def keeping_of(
    ledger: Ledger,
    told: Told,
    *,
    now: Callable[[], datetime] = lambda: SEOUL_AT_7,
    heartbeat_url: str | None = None,
    most_tries: int | None = None,
    at: time = SEVEN,
) -> Keeping:
    """An instance that does this ledger's work at seven, and never really waits."""
    serving = Serving(
        at=at,
        now=now,
        worker="w-1",
        told=told,
        heartbeat_url=heartbeat_url,
        most_tries=most_tries,
        pause=lambda _stop, _seconds: None,
    )
    return Keeping(ledger, serving)
