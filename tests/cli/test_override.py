"""What a clinician sees who decides otherwise than the plan. The commands act on the day on which the tests run."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler import clock, settings
from scheduler.store.registry import Registry
from tests.actions.tables import stored
from tests.cli.conftest import Hepwatch

WHY = ("--reason", "a nodule of uncertain nature", "--by", "dr.lee")


@pytest.fixture
def until() -> date:
    """The last day of an override: in four years."""
    return clock.today() + timedelta(days=4 * 365)


def upcoming(hepwatch: Hepwatch) -> dict[str, Any]:
    """The first visit of P-1 whose window has not opened."""
    listed: list[dict[str, Any]] = hepwatch("visit", "list", "P-1", "--json").value
    return next(visit for visit in listed if visit["state"] == "upcoming")


def everything() -> tuple[dict[str, int], str]:
    """All that is stored in the registry that the settings name."""
    with Registry.open(settings.database_url()) as registry:
        return stored(registry)


def test_an_intensity_is_overridden_and_the_plan_made_anew(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    answer = hepwatch("override", "intensity", "P-1", "intensive", "--until", until, *WHY)

    assert (answer.status, answer.err) == (0, "")
    assert f"override 1 of P-1: intensive follow-up until {until}" in answer.out
    assert "basic → intensive follow-up" in answer.out
    assert "the plan: " in answer.out
    page = hepwatch("patient", "show", "P-1").out
    assert f"override by dr.lee until {until}: basic → intensive" in page


def test_an_override_for_programs(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    value = hepwatch("override", "intensity", "P-1", "intensive", "--until", until, *WHY, "--json").value

    said = {name: value[name] for name in ("preview", "mrn", "number", "was_intensity", "intensity", "episodes")}
    assert said == {
        "preview": False,
        "mrn": "P-1",
        "number": 1,
        "was_intensity": "basic",
        "intensity": "intensive",
        "episodes": [],
    }
    assert {"added", "withdrawn"} <= {change["change"] for change in value["changes"]}


def test_a_visit_is_not_held_then_put_back(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    visit = upcoming(hepwatch)

    dropped = hepwatch("override", "visit", "P-1", visit["visit"], "--not-held", "--until", until, *WHY)
    ended = hepwatch("override", "end", "P-1", "1", "--reason", "the patient is back")

    assert (dropped.status, ended.status) == (0, 0)
    assert f"override 1 of P-1: {visit['visit']} not to be held, until {until}" in dropped.out
    assert "withdrawn" in dropped.out
    assert "override 1 of P-1: ended" in ended.out
    assert upcoming(hepwatch) == visit


def test_a_visit_is_held_on_another_day(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    visit = upcoming(hepwatch)
    day = date.fromisoformat(visit["closes_on"])

    answer = hepwatch("override", "visit", "P-1", visit["visit"], "--due", day, "--until", until, *WHY)

    assert (answer.status, answer.err) == (0, "")
    assert f"due {visit['due_on']} → {day}" in answer.out
    assert upcoming(hepwatch)["due_on"] == str(day)


@pytest.mark.parametrize("options", [(), ("--not-held", "--due", "2099-01-01")], ids=["neither", "both"])
def test_a_visit_is_held_on_a_day_or_not_held(
    hepwatch: Hepwatch, clinic: Path, until: date, options: tuple[str, ...]
) -> None:
    answer = hepwatch("override", "visit", "P-1", "grid-6", *options, "--until", until, *WHY)

    assert answer.status == 2
    assert "Give either --due YYYY-MM-DD or --not-held." in answer.err


def test_a_preview_stores_nothing(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    before = everything()
    visit = upcoming(hepwatch)["visit"]

    shown = [
        hepwatch("override", "intensity", "P-1", "standard", "--until", until, *WHY, "--preview"),
        hepwatch("override", "visit", "P-1", visit, "--not-held", "--until", until, *WHY, "--preview"),
    ]

    assert [answer.out.partition("\n")[0] for answer in shown] == ["preview: nothing was stored"] * 2
    assert everything() == before


def test_overrides_are_listed_with_what_became_of_them(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    none = hepwatch("override", "list", "P-1")
    hepwatch("override", "intensity", "P-1", "intensive", "--until", until, *WHY)
    hepwatch("override", "end", "P-1", "1", "--reason", "biopsy: regenerative", "--by", "dr.kim")
    hepwatch("override", "intensity", "P-1", "standard", "--until", until, *WHY)

    page, value = hepwatch("override", "list", "P-1").out, hepwatch("override", "list", "P-1", "--json").value

    assert none.out == "No override was recorded.\n"
    assert "a nodule of uncertain nature" in page
    listed = [(row["number"], row["state"], row["intensity"], row["ended_by"]) for row in value]
    assert listed == [(1, "ended", "intensive", "dr.kim"), (2, "holds", "standard", None)]


def test_refusals_have_the_exit_status_of_their_family(hepwatch: Hepwatch, clinic: Path, until: date) -> None:
    past = hepwatch("override", "intensity", "P-1", "basic", "--until", "2026-01-01", *WHY)
    unsigned = hepwatch("override", "intensity", "P-3", "basic", "--until", until, *WHY)
    unknown = hepwatch("override", "end", "P-1", "7", "--reason", "over")
    nobody = hepwatch("override", "list", "P-9")
    word = hepwatch("override", "intensity", "P-1", "hourly", "--until", until, *WHY)

    assert [each.status for each in (past, unsigned, unknown, nobody, word)] == [4, 6, 5, 5, 2]
    assert "there is no plan" in unsigned.err
    assert "P-1 has no override number 7" in unknown.err
