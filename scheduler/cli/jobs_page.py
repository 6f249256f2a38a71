"""The page of `hepwatch jobs list`: one line for each site's job, and what a person should look at."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from scheduler.cli.showing import table
from scheduler.core.reminders.ledger import COUNTS
from scheduler.errors import counted, listed

if TYPE_CHECKING:
    import polars as pl
    from rich.console import RenderableType

LOOK_BACK = timedelta(days=30)
MOST_DAYS = 5  # of missed ones that a sentence names
JOB = "reminders"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """One site's job. `last_on` and its counts are missing before the first day; `next_ring` is in local time.

    `missed` are days of the last 30 on which nothing ran; `owed` those whose time has come and that are not accounted
    for, or do not balance.
    """

    job: str
    site: str
    last_on: date | None
    state: str | None
    counts: Mapping[str, int]
    next_ring: datetime
    missed: tuple[date, ...]
    owed: tuple[date, ...]


def job_lines(
    zones: Mapping[str, str], gaps: "pl.DataFrame", days: "pl.DataFrame", *, now: datetime, at: time
) -> list[JobLine]:
    """A line for each site, by code; `zones` has each site's time zone."""
    return [
        _line(site, zone, gaps.filter(site=site), days.filter(site=site), now, at)
        for site, zone in sorted(zones.items())
    ]


def as_values(lines: list[JobLine]) -> list[dict[str, Any]]:
    """The lines for programs; counts stand beside the rest."""
    return [
        {**{name: value for name, value in asdict(line).items() if name != "counts"}, **line.counts} for line in lines
    ]


def page(lines: list[JobLine]) -> list["RenderableType"]:
    """The lines for people, and a sentence for each site where something is to be looked at."""
    from rich.text import Text

    headings = ("site", "job", "last day", "", *COUNTS, "next", "missed")
    rows = [
        (
            line.site,
            line.job,
            line.last_on and f"{line.last_on:%a} {line.last_on}",
            line.state,
            *(line.counts.get(name) for name in COUNTS),
            f"{line.next_ring:%a} {line.next_ring:%Y-%m-%d %H:%M}",
            len(line.missed),
        )
        for line in lines
    ]
    said = sentences(lines) or ["Every day is accounted for."]
    return [table(headings, rows), "", *map(Text, said)]


def sentences(lines: list[JobLine]) -> list[str]:
    """What a person should look at, in words."""
    return [f"{line.site}: {words}" for line in lines for words in _about(line)]


def _about(line: JobLine) -> Iterator[str]:
    unknown, failed = (line.counts.get(name, 0) for name in ("unknown", "failed"))
    if line.owed:
        yield f"{_days(line.owed)} not accounted for yet; the service does it within the hour, or: hepwatch run --once"
    if line.missed:
        yield f"nothing ran on {_days(line.missed)}; what was still owed went out afterwards"
    if unknown:
        yield f"{counted(unknown, 'reminder')} may or may not have arrived; see hepwatch remind list"
    if failed:
        yield f"{counted(failed, 'reminder')} did not arrive; see hepwatch remind list"


def _line(site: str, zone: str, gaps: "pl.DataFrame", days: "pl.DataFrame", now: datetime, at: time) -> JobLine:
    from scheduler.core.calendar import local_day
    from scheduler.jobs.duty import is_rung, next_ring

    last = days.sort("on", descending=True).row(0, named=True) if days.height else {}
    since = local_day(now, zone) - LOOK_BACK
    missed = days.filter(state="missed").sort("on")["on"].to_list()
    return JobLine(
        job=JOB,
        site=site,
        last_on=last.get("on"),
        state=last.get("state"),
        counts={name: last[name] for name in COUNTS} if last else {},
        next_ring=next_ring(now, at=at, time_zone=zone).astimezone(ZoneInfo(zone)),
        missed=tuple(on for on in missed if on >= since),
        owed=tuple(on for on in gaps["on"].to_list() if is_rung(on, now, at=at, time_zone=zone)),
    )


def _days(days: tuple[date, ...]) -> str:
    """The newest of the days, in order, and how many more."""
    named = [str(on) for on in days[-MOST_DAYS:]]
    more = len(days) - len(named)
    return listed([*([f"{more} earlier days"] if more else []), *named])
