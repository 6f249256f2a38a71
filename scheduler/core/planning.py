"""From an anchor and an intensity to dated visits.

Takes anchors (a row per episode), a checked protocol and a site's working days; gives visits with windows. Every
visit is counted from the anchor, so planning twice changes nothing. It knows neither today nor what was planned
before: that is for `reconcile`.
"""

from datetime import date
from functools import lru_cache
from itertools import product

import polars as pl

from scheduler.core.calendar import WorkingDays, months_after, whole_months_between, with_due_on
from scheduler.core.derivation import truth
from scheduler.core.month_grid import HORIZON_MONTH, GridVisit, grid_visits
from scheduler.core.protocols import AfterwardsWhen, Intensity, SurveillanceProtocol
from scheduler.core.variables import VariableDictionary

MONTHS_AHEAD = 24
GRID = "grid"

ANCHORS: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),  # the day of the resection: month 0
    "intensity": pl.String(),  # basic, standard or intensive; missing where there is no surveillance
    "afterwards_months": pl.Int64(),  # the interval after the schedule's end
}
VISITS: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "origin": pl.String(),
    "grid_month": pl.Int64(),  # months after the anchor
    "procedures": pl.List(pl.String()),  # in the protocol's order
    "grid_on": pl.Date(),  # the day so many months after the anchor
    "opens_on": pl.Date(),  # first day on time, inclusive
    "due_on": pl.Date(),  # the grid day, moved off weekends and closed days
    "closes_on": pl.Date(),  # last day on time, inclusive
    "interval_months": pl.Int64(),  # the shortest interval of its procedures
}
MONTH_GRID: dict[str, pl.DataType] = {
    "intensity": pl.String(),
    "afterwards_months": pl.Int64(),
    "opens_day": pl.Int64(),
    "grid_month": pl.Int64(),
    "procedures": pl.List(pl.String()),
    "interval_months": pl.Int64(),
    "opens_days_before": pl.Int64(),
    "closes_days_after": pl.Int64(),
}


def plan(
    anchors: pl.DataFrame,
    protocol: SurveillanceProtocol,
    *,
    working_days: WorkingDays,
    horizon_month: int | pl.Expr = HORIZON_MONTH,
) -> pl.DataFrame:
    """Every visit of every episode (`VISITS`), up to and on the horizon, in the order of the anchors and by month.

    Takes `ANCHORS`; one site's working days. `horizon_month` may be an expression over the anchors, such as
    `horizon_on`. An episode whose intensity is missing gets no visits. The window belongs to the grid day; the
    first visit's opens early, so that a baseline scan answers for it.

    >>> from scheduler.core.protocols import AfterwardsOtherwise, Block, FirstVisit, Phase, Window
    >>> visit = {"procedures": ("liver_ct_mri",), "source": "policy"}
    >>> block = Block(phases=(Phase(until_month=12, every_months=3),), **visit)
    >>> window = Window(interval_up_to_months=12, opens_days_before=14, closes_days_after=14, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(
    ...     procedures=dict.fromkeys(["liver_ct_mri"]),
    ...     schedules={Intensity.BASIC: (block,)},
    ...     afterwards=(AfterwardsOtherwise(otherwise=True, every_months=12, **visit),),
    ...     windows=(window,),
    ...     first_visit=FirstVisit(opens_day=28, because="a baseline scan", source="policy"),
    ... )
    >>> anchor = {"episode_id": 1, "anchor_on": date(2025, 11, 30), "intensity": "basic", "afterwards_months": 12}
    >>> visits = plan(pl.DataFrame([anchor], schema=ANCHORS), protocol, working_days=WorkingDays())
    >>> visits.row(0, named=True)["opens_on"], visits.row(0, named=True)["due_on"]
    (datetime.date(2025, 12, 28), datetime.date(2026, 3, 2))
    """
    laid_out = anchors.select(*ANCHORS, horizon_month=horizon_month)
    furthest = laid_out["horizon_month"].max()
    grid = _month_grid(_Identical(protocol), furthest if isinstance(furthest, int) else HORIZON_MONTH)
    visits = (
        laid_out.join(grid, on=["intensity", "afterwards_months"], maintain_order="left_right")
        .filter(pl.col("grid_month") <= pl.col("horizon_month"))
        .with_columns(grid_on=months_after(pl.col("anchor_on"), pl.col("grid_month")))
        .with_columns(
            origin=pl.lit(GRID),
            opens_on=pl.coalesce(
                pl.col("anchor_on") + pl.duration(days="opens_day"),
                pl.col("grid_on") - pl.duration(days="opens_days_before"),
            ),
            closes_on=pl.col("grid_on") + pl.duration(days="closes_days_after"),
        )
    )
    return with_due_on(visits, working_days).select(*VISITS)


def plan_one(
    anchor_on: date,
    intensity: Intensity,
    protocol: SurveillanceProtocol,
    *,
    working_days: WorkingDays,
    afterwards_months: int | None = None,
    horizon_month: int = HORIZON_MONTH,
) -> pl.DataFrame:
    """The visits of one plan that belongs to nobody yet, as `plan` gives them, for episode 0.

    Where it is not known how often surveillance goes on afterwards, the more frequent branch is shown.
    """
    often = afterwards_months or min(row.every_months for row in protocol.afterwards)
    row = {"episode_id": 0, "anchor_on": anchor_on, "intensity": str(intensity), "afterwards_months": often}
    anchors = pl.DataFrame([row], schema=ANCHORS)
    return plan(anchors, protocol, working_days=working_days, horizon_month=horizon_month)


def horizon_on(today: date | pl.Expr) -> pl.Expr:
    """How far to lay out the plan of each anchor: month 120 or 24 months ahead of today, whichever is later.

    >>> anchors = pl.DataFrame({"anchor_on": [date(2026, 1, 31), date(2016, 1, 31)]})
    >>> anchors.select(horizon_month=horizon_on(date(2026, 3, 1)))["horizon_month"].to_list()
    [120, 145]
    """
    day = today if isinstance(today, pl.Expr) else pl.lit(today)
    ahead = whole_months_between(pl.col("anchor_on"), day) + MONTHS_AHEAD
    return pl.max_horizontal(pl.lit(HORIZON_MONTH, dtype=pl.Int64), ahead)


def afterwards_interval(
    findings: pl.DataFrame, protocol: SurveillanceProtocol, dictionary: VariableDictionary
) -> pl.Series:
    """How many months lie between visits after each patient's last phase: `afterwards_months`, a value per row.

    The first branch whose condition is true decides; a condition that is unknown takes the more frequent of its
    own branch and what would decide without it.
    """
    branches = [row for row in protocol.afterwards if isinstance(row, AfterwardsWhen)]
    interval = pl.lit(protocol.afterwards[-1].every_months, dtype=pl.Int64)
    for position, row in reversed(list(enumerate(branches))):
        applies, own = pl.col(str(position)), pl.lit(row.every_months, dtype=pl.Int64)
        interval = (
            pl.when(applies.is_null())
            .then(pl.min_horizontal(own, interval))
            .when(applies)
            .then(own)
            .otherwise(interval)
        )
    known = truth(findings, [row.when for row in branches], dictionary) if branches else findings
    return known.with_columns(afterwards_months=interval)["afterwards_months"]


def no_surveillance(
    findings: pl.DataFrame, protocol: SurveillanceProtocol, dictionary: VariableDictionary
) -> pl.Series:
    """Why a patient gets no plan (`no_surveillance`, a sentence per row); missing where there is to be one.

    A condition that is unknown excludes nobody.
    """
    rows = protocol.no_surveillance
    because = [pl.when(pl.col(str(position))).then(pl.lit(row.because)) for position, row in enumerate(rows)]
    known = truth(findings, [row.when for row in rows], dictionary) if rows else findings
    first = pl.coalesce(*because, pl.lit(None, dtype=pl.String))
    return known.with_columns(no_surveillance=first)["no_surveillance"]


class _Identical:
    """A protocol, the same as itself alone: it is frozen, and comparing what it says costs more than its grid."""

    __slots__ = ("protocol",)

    def __init__(self, protocol: SurveillanceProtocol) -> None:
        self.protocol = protocol

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and self.protocol is other.protocol

    def __hash__(self) -> int:
        return id(self.protocol)


@lru_cache(maxsize=64)
def _month_grid(identical: _Identical, horizon_month: int) -> pl.DataFrame:
    """What is done in which month, for each intensity and afterwards interval, with the window in days.

    The first visit's `opens_day` is counted from the anchor; it is missing for the others.
    """
    protocol, rows = identical.protocol, []
    for intensity, branch in product(protocol.schedules, protocol.afterwards):
        visits = grid_visits(protocol, intensity, afterwards_months=branch.every_months, horizon_month=horizon_month)
        for position, visit in enumerate(visits):
            opens_day = None if position else protocol.first_visit.opens_day
            rows.append((str(intensity), branch.every_months, opens_day, *_as_row(visit, protocol)))
    return pl.DataFrame(rows, schema=MONTH_GRID, orient="row")


def _as_row(visit: GridVisit, protocol: SurveillanceProtocol) -> tuple[int, list[str], int, int, int]:
    window = protocol.window(visit.interval_months)
    assert window, "a checked protocol has a window for every interval"
    sides = (window.opens_days_before, window.closes_days_after)
    return visit.grid_month, list(visit.procedures), visit.interval_months, *sides
