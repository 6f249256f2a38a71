"""How the service stands: what its last gap check found, whom no message can reach, whether the database answered.

Takes frames of days (`gaps`, `days`); gives the reasons for which somebody should look, in words. It reads no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from threading import Lock

import polars as pl

from scheduler.actions.reminders.accounting import BALANCED
from scheduler.actions.reminders.unreached import Unreached
from scheduler.jobs.duty import overdue_days

CHECK_WITHIN = timedelta(hours=1, minutes=10)  # the gap check comes every hour, and may take a while
DAYS = {
    **dict.fromkeys(("job", "site"), pl.String()),
    "on": pl.Date(),
    "state": pl.String(),
    **dict.fromkeys(("started_at", "finished_at"), pl.Datetime("us", "UTC")),
    **dict.fromkeys(("eligible", "sent", "failed", "suppressed", "unknown"), pl.Int64()),
}
GAPS = {**dict.fromkeys(("site", "time_zone", "job"), pl.String()), "on": pl.Date()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look into the registry: each site's time zone, the days not accounted for (`GAPS`), those that were (`DAYS`),
    and how many messages of unknown outcome wait for a person."""

    zones: dict[str, str]
    gaps: pl.DataFrame
    days: pl.DataFrame
    unknown_waiting: int

    @property
    def balanced_until(self) -> date | None:
        """The last day by which every site has had a balanced one, each by its own clock; None where one has none."""
        newest = dict(self.days.filter(state=BALANCED).group_by("site").agg(pl.col("on").max()).rows())
        return min(newest[site] for site in self.zones) if self.zones and self.zones.keys() <= newest.keys() else None


NOTHING_SEEN = Look(zones={}, gaps=pl.DataFrame(schema=GAPS), days=pl.DataFrame(schema=DAYS), unknown_waiting=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the service knows of itself. `started_at` counts until the first gap check is done."""

    started_at: datetime
    checked_at: datetime | None = None
    database_answers: bool = True
    look: Look = NOTHING_SEEN
    unreached: tuple[Unreached, ...] = ()
    defects: int = 0

    def reasons(self, *, now: datetime, at: time) -> tuple[str, ...]:
        """Why somebody should look, in words; none where all is well."""
        overdue = [f"the day {on} of site {site} is overdue" for site, on in _overdue(self, now, at)]
        unchecked = now - (self.checked_at or self.started_at) > CHECK_WITHIN
        return (
            *(["the database did not answer at the last try"] if not self.database_answers else []),
            *(["the first gap check is not done yet"] if self.checked_at is None else []),
            *([f"no gap check for more than {CHECK_WITHIN}"] if unchecked else []),
            *overdue,
            *(each.message for each in self.unreached if each.is_felt),
        )


class Stood:
    """The present standing, changed by the worker and the gap check and read by the monitor."""

    def __init__(self, started_at: datetime) -> None:
        self._standing = Standing(started_at=started_at)
        self._lock = Lock()

    def __call__(self) -> Standing:
        """How it stands now."""
        return self._standing

    def change(self, change: Callable[[Standing], Standing]) -> None:
        """Put what the function makes of it; no other change comes between."""
        with self._lock:
            self._standing = change(self._standing)

    def seen(self, look: Look) -> None:
        """A look into the registry, which shows that it answers."""
        self.change(lambda standing: replace(standing, look=look, database_answers=True))

    def checked(self, at: datetime) -> None:
        """A gap check was done."""
        self.change(lambda standing: replace(standing, checked_at=at))

    def database(self, *, answers: bool) -> None:
        """Whether the database answered at the last try."""
        self.change(lambda standing: replace(standing, database_answers=answers))

    def reaches_all_but(self, unreached: tuple[Unreached, ...]) -> None:
        """What keeps messages from leaving, as it was found."""
        self.change(lambda standing: replace(standing, unreached=unreached))

    def defect(self) -> None:
        """A defect of ours was met."""
        self.change(lambda standing: replace(standing, defects=standing.defects + 1))


def _overdue(standing: Standing, now: datetime, at: time) -> list[tuple[str, object]]:
    return [(site, on) for site, on in overdue_days(standing.look.gaps, now=now, at=at)]
