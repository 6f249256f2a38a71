"""Plan surveillance from a date and an intensity, without a registry."""

from datetime import date

import polars as pl

from scheduler.core.planning import plan_one
from scheduler.core.protocols import Intensity, SurveillanceProtocol
from scheduler.errors import ClinicalDataError, listed
from scheduler.working_days import working_days

SHOWN = ("grid_month", "procedures", "opens_on", "due_on", "closes_on", "interval_months")


class IntensityNotInProtocol(ClinicalDataError):
    """A protocol that has no schedule for an intensity."""

    def __init__(self, *, protocol: str, intensity: str, known: list[str]) -> None:
        super().__init__(
            f"{protocol} has no schedule for {intensity} follow-up; it has {listed(known)}",
            advice=f"Choose --intensity {known[0]}, or another --protocol.",
        )


def plan_surveillance(
    protocol: SurveillanceProtocol,
    *,
    intensity: str,
    resected_on: date,
    country: str | None = None,
    subdivision: str | None = None,
    horizon_month: int = 60,
    often: bool | None = None,
) -> pl.DataFrame:
    """The visits of a plan up to and on a month, as `SHOWN`: month, procedures, window, interval in months.

    `often` says whether cirrhosis or hepatitis B calls for more frequent imaging after the schedule's end; where it is
    not known (None), the more frequent interval holds. Raises `IntensityNotInProtocol`, and `NotFound` for a country
    whose holidays are not known.
    """
    followed = Intensity(intensity)
    if followed not in protocol.schedules:
        known = [str(each) for each in protocol.schedules]
        raise IntensityNotInProtocol(protocol=protocol.reference, intensity=intensity, known=known)
    years = range(resected_on.year, resected_on.year + horizon_month // 12 + 2)
    intervals = sorted(row.every_months for row in protocol.afterwards)
    visits = plan_one(
        resected_on,
        followed,
        protocol,
        working_days=working_days(country, subdivision, years),
        afterwards_months=intervals[-1] if often is False else intervals[0],
        horizon_month=horizon_month,
    )
    return visits.select(SHOWN)
