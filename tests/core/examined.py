"""Examinations, visits and episodes for tests: plain rows, and what matching makes of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from scheduler.core.matching import Matched, match
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.verdicts import EPISODES, EXAMINATIONS, VISITS_NEEDED
from tests.core.protocol_documents import a_plan, a_protocol

Row = dict[str, Any]

DAY = timedelta(days=1)
ANCHOR_ON = date(2026, 1, 31)
LIVER, CHEST, ULTRASOUND = "liver_ct_mri", "chest_ct", "ultrasound"
OPENS_ON, DUE_ON, CLOSES_ON = date(2026, 3, 17), date(2026, 4, 1), date(2026, 4, 14)
NEXT_OPENS_ON, NEXT_DUE_ON, NEXT_CLOSES_ON = date(2026, 5, 19), date(2026, 6, 2), date(2026, 6, 16)
MIDPOINT = date(2026, 5, 2)  # 31 days from either due day
AS_OF = date(2028, 1, 31)


def an_examination(**overrides: Any) -> Row:
    """A final liver imaging without recurrence, on the due day of the first visit."""
    examination = {
        "examination_id": 1,
        "episode_id": 1,
        "procedure": LIVER,
        "performed_on": DUE_ON,
        "result_status": "final",
        "finding": "no_recurrence",
    }
    return examination | overrides


def a_visit(**overrides: Any) -> Row:
    """The first visit of the grid, open, with liver imaging and AFP."""
    visit = {
        "visit_id": 10,
        "episode_id": 1,
        "origin": "grid",
        "procedures": [LIVER, "afp"],
        "opens_on": OPENS_ON,
        "due_on": DUE_ON,
        "closes_on": CLOSES_ON,
        "status": "open",
    }
    return visit | overrides


def the_next_visit(**overrides: Any) -> Row:
    """The second visit of the grid, two months later."""
    window = {"opens_on": NEXT_OPENS_ON, "due_on": NEXT_DUE_ON, "closes_on": NEXT_CLOSES_ON}
    return a_visit(**{"visit_id": 11} | window | overrides)


def an_episode(**overrides: Any) -> Row:
    """An episode that goes on."""
    return {"episode_id": 1, "anchor_on": ANCHOR_ON, "ended_on": None} | overrides


def two_visits() -> list[Row]:
    return [a_visit(), the_next_visit()]


def examinations_frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=EXAMINATIONS)


def visits_frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=VISITS_NEEDED)


def matched(
    examinations: Sequence[Row],
    visits: Sequence[Row] | None = None,
    *,
    episode: Row | None = None,
    protocol: SurveillanceProtocol | None = None,
    as_of: date = AS_OF,
) -> Matched:
    """One episode's match, by the default protocol."""
    return match(
        examinations_frame(examinations),
        visits_frame(two_visits() if visits is None else visits),
        episodes=pl.DataFrame([episode or an_episode()], schema=EPISODES),
        protocol=protocol or a_protocol(),
        as_of=as_of,
    )


def planned_visits(**plan: Any) -> list[Row]:
    """The visits of a real plan, numbered from 1."""
    planned = a_plan(ANCHOR_ON, **plan).with_row_index("visit_id", offset=1).with_columns(status=pl.lit("open"))
    return planned.select(pl.col(name).cast(kind) for name, kind in VISITS_NEEDED.items()).to_dicts()


def days_after_surgery(lowest: int, highest: int) -> st.SearchStrategy[date]:
    return st.integers(lowest, highest).map(lambda days: ANCHOR_ON + days * DAY)


@st.composite
def recorded(draw: st.DrawFn) -> list[Row]:
    """Examinations of one episode, from before its surgery to three years after."""
    drawn = st.builds(
        an_examination,
        procedure=st.sampled_from([LIVER, LIVER, LIVER, CHEST, "afp", ULTRASOUND, "contrast MRI of the liver"]),
        performed_on=days_after_surgery(-30, 1100),
        result_status=st.sampled_from(["final", "pending"]),
        finding=st.sampled_from([None, "no_recurrence", "suspicious", "inadequate"]),
    )
    rows = draw(st.lists(drawn, max_size=25))
    return [row | {"examination_id": number} for number, row in enumerate(rows, start=1)]


@st.composite
def plans_with_visits_beside_the_grid(draw: st.DrawFn) -> list[Row]:
    """Two years of a plan, some of it withdrawn, with up to two visits beside the grid."""
    intensity = draw(st.sampled_from(["basic", "standard", "intensive"]))
    grid = planned_visits(intensity=intensity, horizon_month=24)
    statuses = st.sampled_from(["open", "open", "open", "done", "withdrawn", "censored"])
    visits = [visit | {"status": draw(statuses)} for visit in grid]
    for number in range(draw(st.integers(0, 2))):
        due_on = draw(days_after_surgery(40, 700))
        before, after = draw(st.integers(0, 30)), draw(st.integers(0, 14))
        window = {"opens_on": due_on - before * DAY, "due_on": due_on, "closes_on": due_on + after * DAY}
        origin = draw(st.sampled_from(["catch_up", "suspicious"]))
        visits.append(a_visit(visit_id=100 + number, origin=origin, procedures=[LIVER], **window))
    return visits
