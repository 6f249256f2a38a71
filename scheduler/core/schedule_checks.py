"""Whether a protocol's schedules add up: phases, density, who is seen more often, windows.

Takes a `SurveillanceProtocol`; gives problems at their places. A later visit must never come sooner than an
earlier one did, and closer follow-up must never lag behind looser follow-up.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

from scheduler.core.calendar import shortest_days
from scheduler.core.month_grid import HORIZON_MONTH, grid_visits
from scheduler.core.problems import Location, Problem
from scheduler.core.protocols import Block, Intensity, SurveillanceProtocol
from scheduler.errors import listed

YEAR = 12


def check_schedules(protocol: SurveillanceProtocol) -> tuple[Problem, ...]:
    """Everything wrong with phases, schedules against one another, and windows, all at once."""
    return (
        *_wrong_blocks(protocol),
        *_gaps(protocol),
        *_shrinking_afterwards(protocol),
        *_later_years_denser(protocol),
        *_closer_lags_behind(protocol),
        *_wrong_windows(protocol),
        *_first_visit_opens_too_late(protocol),
    )


def visits_behind(protocol: SurveillanceProtocol, intensity: Intensity, afterwards_months: int) -> list[int]:
    """How many visits lie behind at the end of each month, from month 0 to the horizon, both inclusive."""
    visits = grid_visits(protocol, intensity, afterwards_months=afterwards_months)
    months = [visit.grid_month for visit in visits]
    return [sum(month <= until for month in months) for until in range(HORIZON_MONTH + 1)]


def _blocks(protocol: SurveillanceProtocol) -> Iterator[tuple[Location, Block]]:
    for intensity, blocks in protocol.schedules.items():
        for position, block in enumerate(blocks):
            yield ("schedules", str(intensity), position), block


def _wrong_blocks(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    for place, block in _blocks(protocol):
        for problem in _wrong_phases(block):
            yield problem.below(*place)
    for intensity, blocks in protocol.schedules.items():
        for (earlier, first), (later, second) in combinations(enumerate(blocks), 2):
            both = sorted(set(first.procedures) & set(second.procedures))
            if both:
                yield Problem(
                    location=("schedules", str(intensity), later, "procedures"),
                    what="phases overlap",
                    found=f"{listed(both)} here and in block {earlier + 1} of {intensity}",
                    expected="each procedure in one block of a schedule",
                )


def _wrong_phases(block: Block) -> Iterator[Problem]:
    """Phases that overlap, leave a gap at their end, or come closer together with time."""
    begin = 0
    for position, phase in enumerate(block.phases):
        if phase.until_month <= begin:
            yield Problem(
                location=("phases", position, "until_month"),
                what="phases overlap",
                found=f"until month {phase.until_month} after a phase that ends in month {begin}",
                expected=f"a month after {begin}",
            )
        elif (months := phase.until_month - begin) % phase.every_months:
            yield Problem(
                location=("phases", position, "every_months"),
                what="a phase leaves a gap at its end",
                found=f"every {phase.every_months} months in the {months} months to month {phase.until_month}",
                expected="a phase as long as a whole number of its intervals",
            )
        begin = phase.until_month
    for position, (earlier, later) in enumerate(pairwise(block.phases), start=1):
        if later.every_months < earlier.every_months:
            yield Problem(
                location=("phases", position, "every_months"),
                what="the interval shrinks with time",
                found=f"every {earlier.every_months} months, then every {later.every_months}",
                expected=f"every {earlier.every_months} months or longer",
            )


def _gaps(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Procedures that go on afterwards without having begun; required ones that a schedule leaves out."""
    required = {name for name, procedure in protocol.procedures.items() if procedure.required}
    afterwards = {procedure for row in protocol.afterwards for procedure in row.procedures}
    for intensity, blocks in protocol.schedules.items():
        planned = {procedure for block in blocks for procedure in block.procedures}
        absent = [name for name in protocol.procedures if name in (required | afterwards) - planned]
        if absent:
            yield _gap(("schedules", str(intensity)), absent, "phases from month 0 on for each")
    for position, row in enumerate(protocol.afterwards):
        absent = [name for name in protocol.procedures if name in required - set(row.procedures)]
        if absent:
            yield _gap(("afterwards", position, "procedures"), absent, "every required procedure, without end")


def _gap(location: Location, absent: list[str], expected: str) -> Problem:
    return Problem(location=location, what="phases leave a gap", found=f"no {listed(absent)}", expected=expected)


def _shrinking_afterwards(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    for position, row in enumerate(protocol.afterwards):
        for place, block in _blocks(protocol):
            last = block.phases[-1].every_months
            if row.every_months < last and set(row.procedures) & set(block.procedures):
                yield Problem(
                    location=("afterwards", position, "every_months"),
                    what="the interval shrinks with time",
                    found=f"every {row.every_months} months after every {last} ({place[1]})",
                    expected=f"every {last} months or longer",
                )


def _later_years_denser(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """A year with more visits than the first; with several schedules also one with as many."""
    strictly = len(protocol.schedules) > 1
    for intensity in protocol.schedules:
        for row in protocol.afterwards:
            behind = visits_behind(protocol, intensity, row.every_months)
            first, *later = (end - start for start, end in pairwise(behind[::YEAR]))
            densest = max(later)
            if densest > first or (strictly and densest == first):
                yield Problem(
                    location=("schedules", str(intensity)),
                    what="the first year is not the densest",
                    found=f"{first} visits in year 1, {densest} in year {later.index(densest) + 2}",
                    expected=f"fewer than {first} in every later year" if strictly else f"at most {first}",
                )
                break


def _closer_lags_behind(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """A more intensive schedule that has ever fewer visits behind it than a less intensive one."""
    ranked = sorted(protocol.schedules, key=lambda intensity: intensity.rank)
    for (less, more), row in ((pair, row) for pair in pairwise(ranked) for row in protocol.afterwards):
        fewer = visits_behind(protocol, less, row.every_months)
        many = visits_behind(protocol, more, row.every_months)
        behind = [month for month in range(HORIZON_MONTH + 1) if many[month] < fewer[month]]
        if behind:
            month = behind[0]
            yield Problem(
                location=("schedules", str(more)),
                what="closer follow-up with fewer visits",
                found=f"by month {month} {many[month]} visits, {less} has {fewer[month]}",
                expected=f"never fewer visits than {less} has by the same month",
            )
            break


def _wrong_windows(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Windows out of order, intervals without one, sides that reach the neighbouring visit's half."""
    for position, (earlier, later) in enumerate(pairwise(protocol.windows), start=1):
        if later.interval_up_to_months <= earlier.interval_up_to_months:
            yield Problem(
                location=("windows", position, "interval_up_to_months"),
                what="windows do not rise",
                found=f"up to {later.interval_up_to_months} months after up to {earlier.interval_up_to_months}",
                expected=f"more than {earlier.interval_up_to_months} months",
            )
    for interval in _intervals(protocol):
        window = protocol.window(interval)
        if window is None:
            yield Problem(
                location=("windows",),
                what="no window for an interval",
                found=f"none for visits every {interval} months",
                expected=f"a last row with interval_up_to_months of {interval} or more",
            )
            continue
        shortest = shortest_days(interval)
        sides = {"opens_days_before": window.opens_days_before, "closes_days_after": window.closes_days_after}
        for side, days in sides.items():
            if 2 * days >= shortest:
                yield Problem(
                    location=("windows", protocol.windows.index(window), side),
                    what="a window reaches half the interval, so that neighbours could overlap",
                    found=f"{days} days at every {interval} months",
                    expected=f"at most {(shortest - 1) // 2} days, since {interval} months can be {shortest} days",
                )


def _intervals(protocol: SurveillanceProtocol) -> list[int]:
    """Every interval that a visit can have, rising."""
    intervals = {phase.every_months for _, block in _blocks(protocol) for phase in block.phases}
    return sorted(intervals | {row.every_months for row in protocol.afterwards})


def _first_visit_opens_too_late(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    for place, block in _blocks(protocol):
        earliest = shortest_days(block.phases[0].every_months)
        if protocol.first_visit.opens_day > earliest:
            yield Problem(
                location=("first_visit", "opens_day"),
                what="the first visit opens after its day",
                found=f"day {protocol.first_visit.opens_day}; {place[1]} wants its first visit on day {earliest}",
                expected=f"at most day {earliest}",
            )
            return
