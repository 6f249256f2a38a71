"""The service's standing as Prometheus metrics, drawn anew for each scrape from what the database last said.

All are gauges about the stored days, so that a restart forgets nothing and several instances say the same.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time

import polars as pl
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from scheduler.core.calendar import local_day
from scheduler.jobs.duty import is_rung
from scheduler.jobs.standing import Standing

STATES = ("balanced", "unbalanced", "missed")
OUTCOMES = ("sent", "failed", "suppressed", "unknown")

Gauge = tuple[str, str, tuple[str, ...]]  # its name, what it says, its labels
DAYS: Gauge = ("hepwatch_days", "Days accounted for, by how they ended", ("site", "state"))
REMINDERS: Gauge = ("hepwatch_reminders", "Reminders of all days accounted for, by outcome", ("site", "outcome"))
OWED_DAYS: Gauge = ("hepwatch_owed_days", "Days whose time has come and that nobody has accounted for", ("site",))
OWED_TODAY: Gauge = ("hepwatch_owed_today", "Reminders owed today, once today is accounted for", ("site",))
LAST_BALANCED: Gauge = (
    "hepwatch_last_balanced_day_timestamp_seconds",
    "When the newest balanced day was finished",
    ("site",),
)


def metrics_text(standing: Standing, *, now: datetime, at: time, version: str) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Drawn(lambda: _families(standing, now, at, version)))
    return generate_latest(registry)


class _Drawn(Collector):
    """What a function draws."""

    def __init__(self, draw: Callable[[], Iterable[GaugeMetricFamily]]) -> None:
        self._draw = draw

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._draw()


def _families(standing: Standing, now: datetime, at: time, version: str) -> Iterable[GaugeMetricFamily]:
    days = standing.look.days
    sites = sorted(standing.look.zones)
    checked = standing.checked_at or standing.started_at
    yield _gauge(DAYS, {(site, state): _count(days, site, state) for site in sites for state in STATES})
    yield _gauge(REMINDERS, {(site, outcome): _sum(days, site, outcome) for site in sites for outcome in OUTCOMES})
    yield _gauge(OWED_DAYS, {(site,): _owed(standing, site, now, at) for site in sites})
    yield _gauge(OWED_TODAY, _owed_today(standing, now))
    yield _gauge(LAST_BALANCED, _last_balanced(days))
    yield _single("hepwatch_gap_check_age_seconds", "Since the last gap check", (now - checked).total_seconds())
    yield _single("hepwatch_database_reachable", "1 where it answered at the last try", standing.database_answers)
    yield _single(
        "hepwatch_unknown_waiting", "Messages of unknown outcome, for a person", standing.look.unknown_waiting
    )
    yield _single("hepwatch_defects", "Defects of hepwatch met since its start", standing.defects)
    yield _gauge(("hepwatch_build_info", "Which hepwatch this is", ("version",)), {(version,): 1})


def _gauge(gauge: Gauge, samples: dict[tuple[str, ...], float]) -> GaugeMetricFamily:
    name, says, labels = gauge
    family = GaugeMetricFamily(name, says, labels=labels)
    for values, number in samples.items():
        family.add_metric(values, number)
    return family


def _single(name: str, says: str, number: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=float(number))


def _count(days: pl.DataFrame, site: str, state: str) -> int:
    return days.filter(site=site, state=state).height


def _sum(days: pl.DataFrame, site: str, outcome: str) -> int:
    return int(days.filter(site=site)[outcome].sum())


def _owed(standing: Standing, site: str, now: datetime, at: time) -> int:
    days: list[date] = standing.look.gaps.filter(site=site)["on"].to_list()
    return sum(is_rung(on, now, at=at, time_zone=standing.look.zones[site]) for on in days)


def _owed_today(standing: Standing, now: datetime) -> dict[tuple[str, ...], float]:
    """The reminders of each site whose local today is accounted for."""
    today = {site: local_day(now, zone) for site, zone in standing.look.zones.items()}
    days = standing.look.days.select("site", "on", "eligible").rows()
    return {(site,): eligible for site, on, eligible in days if on == today.get(site)}


def _last_balanced(days: pl.DataFrame) -> dict[tuple[str, ...], float]:
    finished = days.filter(state="balanced").group_by("site").agg(pl.col("finished_at").max()).drop_nulls()
    return {(site,): moment.timestamp() for site, moment in finished.sort("site").rows()}
