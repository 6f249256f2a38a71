"""What the loader refuses in a protocol: one mistake each, in words that a clinician understands."""

from typing import Any

import pytest

from scheduler.core.protocol_examples import run_worked_examples
from tests.core.protocol_documents import PROTOCOLS, a_block, a_document, a_protocol, problems_of, with_part


@pytest.mark.parametrize("protocol_id", PROTOCOLS)
def test_every_shipped_protocol_makes_sense(protocol_id: str) -> None:
    protocol = a_protocol(protocol_id)

    assert problems_of(protocol) == ()
    assert run_worked_examples(protocol) == ()


@pytest.mark.parametrize("protocol_id", PROTOCOLS)
def test_every_shipped_protocol_has_the_same_key_order(protocol_id: str) -> None:
    assert list(a_document(protocol_id)) == list(a_document())


@pytest.mark.parametrize(
    ("path", "value", "location", "words"),
    [
        pytest.param(
            ("schedules", "basic"),
            [a_block((12, 2), (24, 4), (60, 6))],
            ("schedules", "standard"),
            ["closer follow-up with fewer visits", "by month 8 3 visits, basic has 4"],
            id="closer follow-up falls behind looser",
        ),
        pytest.param(
            ("schedules", "basic"),
            [a_block((12, 6), (36, 4), (60, 6))],
            ("schedules", "basic", 0, "phases", 1, "every_months"),
            ["the interval shrinks with time", "every 6 months, then every 4", "every 6 months or longer"],
            id="an interval shrinks",
        ),
        pytest.param(
            ("schedules", "basic"),
            [a_block((12, 3), (12, 4), (60, 6))],
            ("schedules", "basic", 0, "phases", 1, "until_month"),
            ["phases overlap", "until month 12 after a phase that ends in month 12", "a month after 12"],
            id="phases overlap",
        ),
        pytest.param(
            ("schedules", "basic"),
            [a_block((12, 3), (22, 4), (60, 6))],
            ("schedules", "basic", 0, "phases", 1, "every_months"),
            ["a phase leaves a gap at its end", "every 4 months in the 10 months to month 22"],
            id="a phase is no multiple of its interval",
        ),
        pytest.param(
            ("schedules", "basic"),
            [a_block((24, 3), (60, 6))],
            ("schedules", "basic"),
            ["the first year is not the densest", "4 visits in year 1, 4 in year 2", "fewer than 4"],
            id="a later year as dense as the first",
        ),
        pytest.param(
            ("schedules", "basic"),
            [a_block((12, 3), (24, 4), (60, 6), procedures=("afp", "pivka_ii"))],
            ("schedules", "basic"),
            ["phases leave a gap", "no liver_ct_mri"],
            id="a required procedure is never planned",
        ),
        pytest.param(
            ("schedules", "standard"),
            [a_block((6, 2), (24, 3), (60, 6)), a_block((60, 12), procedures=("chest_ct", "afp"))],
            ("schedules", "standard", 1, "procedures"),
            ["phases overlap", "afp here and in block 1 of standard", "one block"],
            id="one procedure in two blocks",
        ),
        pytest.param(
            ("schedules", "basic", 0, "procedures"),
            ["liver_ct_mri", "afp", "pivka_ii", "bone_scan"],
            ("schedules", "basic", 0, "procedures", 3),
            ["unknown procedure", "bone_scan", "liver_ct_mri, chest_ct, afp and pivka_ii"],
            id="an unknown procedure in a schedule",
        ),
        pytest.param(
            ("on_suspicious", "procedure"),
            "liver_us",
            ("on_suspicious", "procedure"),
            ["unknown procedure", "liver_us"],
            id="an unknown procedure on suspicion",
        ),
        pytest.param(
            ("on_marker_rise", "markers"),
            ["afp", "ca19_9"],
            ("on_marker_rise", "markers", 1),
            ["unknown procedure", "ca19_9"],
            id="an unknown marker",
        ),
        pytest.param(
            ("intensity", 0, "from"),
            ["ehr-postop@1", "wang-distant-metastasis@9"],
            ("intensity", 0, "from", 1),
            ["unknown model", "wang-distant-metastasis@9", "ehr-postop@1", "with its version"],
            id="an unknown model version",
        ),
        pytest.param(
            ("intensity", 0, "map"),
            {"low": "basic", "high": "intensive"},
            ("intensity", 0, "map"),
            ["a risk group without an intensity", "nothing for intermediate"],
            id="a map with a hole",
        ),
        pytest.param(
            ("intensity", 0, "map"),
            {"low": "standard", "intermediate": "basic", "high": "intensive"},
            ("intensity", 0, "map"),
            ["a higher risk group is followed less closely", "low: standard, intermediate: basic"],
            id="a map upside down",
        ),
        pytest.param(
            ("windows", 0, "opens_days_before"),
            30,
            ("windows", 0, "opens_days_before"),
            ["a window reaches half the interval", "30 days at every 2 months", "at most 29 days", "59 days"],
            id="a window opens half an interval before",
        ),
        pytest.param(
            ("windows", 2, "closes_days_after"),
            91,
            ("windows", 2, "closes_days_after"),
            ["a window reaches half the interval", "91 days at every 6 months", "at most 90 days"],
            id="a window closes half an interval after",
        ),
        pytest.param(
            ("windows", 1, "interval_up_to_months"),
            3,
            ("windows", 1, "interval_up_to_months"),
            ["windows do not rise", "up to 3 months after up to 3"],
            id="windows do not rise",
        ),
        pytest.param(
            ("windows", 2, "interval_up_to_months"),
            6,
            ("windows",),
            ["no window for an interval", "none for visits every 12 months"],
            id="an interval without a window",
        ),
        pytest.param(
            ("first_visit", "opens_day"),
            60,
            ("first_visit", "opens_day"),
            ["the first visit opens after its day", "at most day 59"],
            id="the first visit opens after its day",
        ),
        pytest.param(
            ("afterwards", 0, "when"),
            "cirrhosis OR hbv",
            ("afterwards", 0, "when"),
            ["unknown variable", "hbv"],
            id="a condition about an unknown variable",
        ),
        pytest.param(
            ("no_surveillance", 0, "when"),
            "residual_tumor = 'R3'",
            ("no_surveillance", 0, "when"),
            ["unknown choice", "R3"],
            id="a condition about an unknown choice",
        ),
        pytest.param(
            ("afterwards", 0, "every_months"),
            3,
            ("afterwards", 0, "every_months"),
            ["the interval shrinks with time", "every 3 months after every 6"],
            id="closer afterwards than before",
        ),
        pytest.param(
            ("afterwards", 0, "every_months"),
            12,
            ("afterwards", 1, "every_months"),
            ["the same interval as a row above", "every 12 months"],
            id="two branches of one interval",
        ),
        pytest.param(
            ("afterwards", 1, "procedures"),
            ["afp"],
            ("afterwards", 1, "procedures"),
            ["phases leave a gap", "no liver_ct_mri"],
            id="imaging stops after five years",
        ),
        pytest.param(
            ("schedules", "basic", 0, "source"),
            "nccn",
            ("schedules", "basic", 0, "source"),
            ["unknown source", "nccn", "wang, bmj and policy"],
            id="an unknown source",
        ),
        pytest.param(
            ("worked_examples",),
            [],
            ("worked_examples",),
            ["example missing", "none for intensive"],
            id="no worked examples",
        ),
    ],
)
def test_a_mistake_is_refused_at_its_place(path: Any, value: Any, location: Any, words: list[str]) -> None:
    protocol = with_part(a_document(), *path, value=value)

    said = {
        problem.location: f"{problem.what}: {problem.found}; {problem.expected}"
        for problem in problems_of(protocol)[::-1]
    }

    assert location in said
    assert [word for word in words if word not in said[location]] == []


def test_an_intensity_that_has_no_schedule_is_refused_wherever_it_can_come_from() -> None:
    document = a_document()
    del document["schedules"]["standard"]

    problems = problems_of(a_protocol(schedules=document["schedules"]))

    absent = {problem.location for problem in problems if problem.what == "no schedule for this intensity"}
    assert absent == {
        ("intensity", 0, "map", "intermediate"),
        ("intensity", 1, "map", "intermediate"),
        ("intensity", 1, "at_least"),
    }


@pytest.mark.parametrize(
    ("order", "location", "what"),
    [
        pytest.param([0, 1], ("intensity",), "no intensity for patients to whom no model applies", id="no otherwise"),
        pytest.param([2, 0, 1], ("intensity", 0), "this row would never decide", id="otherwise first"),
        pytest.param([1, 0, 2], ("intensity", 1), "this row would never decide", id="surgery before pathology"),
        pytest.param([0, 0, 2], ("intensity", 1), "this row would never decide", id="pathology twice"),
    ],
)
def test_intensity_rows_stand_in_the_order_in_which_they_decide(order: list[int], location: Any, what: str) -> None:
    rows = a_document()["intensity"]

    problems = problems_of(a_protocol(intensity=[rows[position] for position in order]))

    assert (location, what) in [(problem.location, problem.what) for problem in problems]


@pytest.mark.parametrize("order", [[], [0], [1, 0]], ids=["no rows", "only a condition", "otherwise first"])
def test_what_follows_five_years_is_said_for_everybody(order: list[int]) -> None:
    rows = a_document()["afterwards"]

    problems = problems_of(a_protocol(afterwards=[rows[position] for position in order]))

    said = {problem.location: problem for problem in problems}
    assert "surveillance does not stop" in said["afterwards",].what


def test_a_uniform_protocol_may_keep_the_first_years_density_but_not_exceed_it() -> None:
    as_dense = a_protocol("lee-2025", schedules={"standard": [a_block((60, 3))]})
    denser = a_protocol("lee-2025", schedules={"standard": [a_block((6, 6), (60, 3))]})

    assert problems_of(as_dense) == ()
    assert "the first year is not the densest" in [problem.what for problem in problems_of(denser)]


def test_all_mistakes_are_reported_at_once() -> None:
    document = a_document()
    document["windows"][0]["opens_days_before"] = 40
    document["intensity"][0]["from"] = ["nobody@1"]
    protocol = with_part(document, "first_visit", "source", value="hearsay")

    found = {problem.what.split(",")[0] for problem in problems_of(protocol)}

    assert found == {"a window reaches half the interval", "unknown model", "unknown source"}


@pytest.mark.parametrize(
    ("path", "value", "location", "words"),
    [
        pytest.param(
            ("expect", "first_year_months"),
            [3, 6, 9, 12],
            ("worked_examples", 0, "expect", "first_year_months"),
            "[2, 4, 6, 8, 10, 12]",
            id="first year",
        ),
        pytest.param(
            ("expect", "visits_by", 3, "visits"),
            18,
            ("worked_examples", 0, "expect", "visits_by", 3, "visits"),
            "17 by month 60",
            id="visits by a month",
        ),
        pytest.param(
            ("expect", "first_due_on"),
            "2026-04-01",
            ("worked_examples", 0, "expect", "first_due_on"),
            "2026-03-31",
            id="first due",
        ),
        pytest.param(
            ("afterwards_months",), 9, ("worked_examples", 0, "afterwards_months"), "6 and 12", id="no such branch"
        ),
    ],
)
def test_a_worked_example_that_does_not_come_out_is_refused(path: Any, value: Any, location: Any, words: str) -> None:
    protocol = with_part(a_document(), "worked_examples", 0, *path, value=value)

    (problem,) = run_worked_examples(protocol)

    assert problem.location == location
    assert words in problem.expected


@pytest.mark.parametrize(
    ("path", "value", "accepted"),
    [
        pytest.param(("windows", 0, "closes_days_after"), 29, True, id="just under half of 59 days"),
        pytest.param(("windows", 0, "closes_days_after"), 30, False, id="just over half of 59 days"),
        pytest.param(("windows", 1, "opens_days_before"), 59, True, id="just under half of 120 days"),
        pytest.param(("windows", 1, "opens_days_before"), 60, False, id="half of 120 days"),
        pytest.param(("first_visit", "opens_day"), 59, True, id="opens on the earliest first day"),
        pytest.param(("first_visit", "opens_day"), 60, False, id="opens the day after it"),
    ],
)
def test_a_window_may_come_close_to_half_its_interval_and_not_reach_it(path: Any, value: int, accepted: bool) -> None:
    protocol = with_part(a_document(), *path, value=value)

    assert (problems_of(protocol) == ()) is accepted
