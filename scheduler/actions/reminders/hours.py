"""How far a site's day has gone while a run goes on: whether it is over, or too late to tell patients."""

from dataclasses import replace

from scheduler.actions.reminders.asking import SiteDay
from scheduler.actions.reminders.running import Run
from scheduler.core.calendar import local_day, local_time


def is_over(run: Run, day: SiteDay) -> bool:
    """Whether the run is to stop, or the site's day is over: what it owed is owed on the next one."""
    return run.reminding.stopping() or local_day(run.reminding.now(), day.time_zone) != day.on


def is_late(run: Run, time_zone: str) -> bool:
    """Whether it is too late in the site's day to tell patients."""
    return local_time(run.reminding.now(), time_zone) >= run.policy.to_patients.until


def by_now(run: Run, day: SiteDay) -> SiteDay:
    """The day as late as it is now."""
    return replace(day, is_late=is_late(run, day.time_zone))
