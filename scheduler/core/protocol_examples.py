"""A protocol's worked examples, run: does it plan what its author worked out by hand?

Takes a checked `SurveillanceProtocol`; gives problems at the examples that do not come out.
"""

from collections.abc import Iterator

import polars as pl

from scheduler.core.calendar import WorkingDays
from scheduler.core.planning import plan_one
from scheduler.core.problems import Location, Problem
from scheduler.core.protocols import SurveillanceProtocol, WorkedExample
from scheduler.errors import listed

FIRST_YEAR = 12


def run_worked_examples(protocol: SurveillanceProtocol) -> tuple[Problem, ...]:
    """Every expectation that fails, at its place; run it on a protocol that `check_protocol` passed."""
    return tuple(
        problem.below("worked_examples", position)
        for position, example in enumerate(protocol.worked_examples)
        for problem in _run(example, protocol)
    )


def _run(example: WorkedExample, protocol: SurveillanceProtocol) -> Iterator[Problem]:
    branches = [row.every_months for row in protocol.afterwards]
    if example.intensity not in protocol.schedules:
        yield _fails(("intensity",), str(example.intensity), listed(list(protocol.schedules)))
        return
    if example.afterwards_months not in branches:
        yield _fails(("afterwards_months",), str(example.afterwards_months), listed([str(each) for each in branches]))
        return
    visits = plan_one(
        example.resected_on,
        example.intensity,
        protocol,
        working_days=WorkingDays(),
        afterwards_months=example.afterwards_months,
        horizon_month=max(FIRST_YEAR, *(count.month for count in example.expect.visits_by)),
    )
    for problem in _compare(example, visits):
        yield problem.below("expect")


def _compare(example: WorkedExample, visits: pl.DataFrame) -> Iterator[Problem]:
    """The plan against what the example expects of it."""
    months = visits["grid_month"].to_list()
    first_year = [month for month in months if month <= FIRST_YEAR]
    if first_year != list(example.expect.first_year_months):
        yield _fails(("first_year_months",), str(list(example.expect.first_year_months)), str(first_year))
    for position, count in enumerate(example.expect.visits_by):
        behind = sum(month <= count.month for month in months)
        if behind != count.visits:
            place = ("visits_by", position, "visits")
            yield _fails(place, str(count.visits), f"{behind} by month {count.month}, as the schedule says")
    first_due_on = visits["due_on"].first()
    if first_due_on != example.expect.first_due_on:
        yield _fails(("first_due_on",), str(example.expect.first_due_on), str(first_due_on))


def _fails(location: Location, found: str, expected: str) -> Problem:
    return Problem(location=location, what="a worked example fails", found=found, expected=expected)
