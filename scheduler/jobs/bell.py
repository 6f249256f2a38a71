"""The bell: it rings each site at its local time, and asks for a gap check at start and every hour.

It does no work and knows no database: what it calls puts something into a line and returns. APScheduler keeps its jobs
in memory alone, so that any number of instances may ring; its own cron trigger is not used, since it leaves out and
doubles days when clocks change (`tests/jobs/test_bell.py` shows where).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from scheduler.jobs.duty import next_ring

CHECK_EVERY_HOURS = 1
ONE_OF_EACH = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}  # late is rung late, once


class EveryLocalDay(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Once on each local day of a site."""

    def __init__(self, *, at: time, time_zone: str) -> None:
        self.at = at
        self.time_zone = time_zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first ring after the one before, or after now where there was none."""
        return next_ring(previous_fire_time or now, at=self.at, time_zone=self.time_zone)


class Bell:
    """Rings `ring(site)` for each site that it follows, and `check()` every hour."""

    def __init__(self, *, at: time, ring: Callable[[str], None], check: Callable[[], None]) -> None:
        self._at = at
        self._ring = ring
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=ONE_OF_EACH)
        self._scheduler.add_job(check, IntervalTrigger(hours=CHECK_EVERY_HOURS, timezone=UTC), id="gap check")
        self._zones: dict[str, str] = {}

    def start(self) -> None:
        """Ring from now on."""
        self._scheduler.start()

    def follow(self, zones: Mapping[str, str]) -> None:
        """Ring these sites, by code, in these time zones, and no others; one that is followed so already is left alone.

        A job that stands is not touched, since one replaced at the moment of its ring would not ring.
        """
        for site in self._zones.keys() - zones.keys():
            self._scheduler.remove_job(_id(site))
        for site, zone in zones.items():
            if self._zones.get(site) != zone:
                trigger = EveryLocalDay(at=self._at, time_zone=zone)
                self._scheduler.add_job(self._ring, trigger, args=[site], id=_id(site), replace_existing=True)
        self._zones = dict(zones)

    def rings(self) -> dict[str, datetime]:
        """When each site is rung next, in UTC; once it is started."""
        return {site: self._scheduler.get_job(_id(site)).next_run_time for site in self._zones}

    def stop(self) -> None:
        """Ring no more."""
        self._scheduler.shutdown(wait=False)


def _id(site: str) -> str:
    return f"site {site}"
