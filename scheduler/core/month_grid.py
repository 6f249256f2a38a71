"""The months after the anchor in which a protocol wants a visit, and what is done at each.

Takes a protocol and an intensity; gives grid visits. It knows no date: those are for `planning`.
"""

from dataclasses import dataclass

from scheduler.core.protocols import Block, Intensity, SurveillanceProtocol

HORIZON_MONTH = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class GridVisit:
    """What is done in one month after the anchor, in the protocol's order, and the shortest of its intervals."""

    grid_month: int
    procedures: tuple[str, ...]
    interval_months: int


def grid_visits(
    protocol: SurveillanceProtocol,
    intensity: Intensity,
    *,
    afterwards_months: int,
    horizon_month: int = HORIZON_MONTH,
) -> tuple[GridVisit, ...]:
    """The visits of one intensity up to and on the horizon, by month; procedures of one month are one visit.

    `afterwards_months` picks the branch of `afterwards` by its interval. An intensity that has no schedule gives
    none. A procedure that goes on afterwards does so from the end of its own last phase.

    >>> from scheduler.core.protocols import Phase
    >>> phases = (Phase(until_month=6, every_months=2), Phase(until_month=12, every_months=3))
    >>> block = Block(procedures=("afp",), phases=phases, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(
    ...     schedules={Intensity.BASIC: (block,)}, afterwards=(), procedures={"afp": None}
    ... )
    >>> [visit.grid_month for visit in grid_visits(protocol, Intensity.BASIC, afterwards_months=12)]
    [2, 4, 6, 9, 12]
    """
    months: dict[int, dict[str, int]] = {}
    for block in protocol.schedules.get(intensity, ()):
        for procedure in block.procedures:
            goes_on = procedure in _procedures_afterwards(protocol, afterwards_months)
            for month, interval in _months(block, afterwards_months if goes_on else None, horizon_month).items():
                months.setdefault(month, {})[procedure] = interval
    return tuple(_visit(protocol, month, months[month]) for month in sorted(months))


def _procedures_afterwards(protocol: SurveillanceProtocol, afterwards_months: int) -> frozenset[str]:
    rows = (row for row in protocol.afterwards if row.every_months == afterwards_months)
    return frozenset(procedure for row in rows for procedure in row.procedures)


def _months(block: Block, afterwards_months: int | None, horizon_month: int) -> dict[int, int]:
    """Each month of one block's grid and the interval that led to it."""
    months: dict[int, int] = {}
    begin = 0
    for phase in block.phases:
        end = min(phase.until_month, horizon_month)
        months |= dict.fromkeys(range(begin + phase.every_months, end + 1, phase.every_months), phase.every_months)
        begin = phase.until_month
    if afterwards_months is not None:
        afterwards = range(begin + afterwards_months, horizon_month + 1, afterwards_months)
        months |= dict.fromkeys(afterwards, afterwards_months)
    return months


def _visit(protocol: SurveillanceProtocol, month: int, intervals: dict[str, int]) -> GridVisit:
    ordered = tuple(procedure for procedure in protocol.procedures if procedure in intervals)
    return GridVisit(grid_month=month, procedures=ordered, interval_months=min(intervals.values()))
