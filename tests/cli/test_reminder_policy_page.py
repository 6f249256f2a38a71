"""`hepwatch rules show default`: could a coordinator read it aloud?"""

import pytest

from scheduler.cli.reminder_policy_page import from_when, to_whom
from scheduler.core.reminders.policy import CountedFrom, VisitRung
from scheduler.rulebook import load_rulebook
from tests.cli.conftest import Hepwatch
from tests.core.reminders.escalation import TOLD, a_rung

POLICY = load_rulebook().reminder_policy()


@pytest.mark.parametrize(
    ("rung", "said"),
    [
        pytest.param(a_rung("upcoming", CountedFrom.OPENS, -14), "14 days before the window opens, once", id="before"),
        pytest.param(a_rung("due", CountedFrom.DUE, 0), "on the due day, once", id="on the due day"),
        pytest.param(a_rung("late", CountedFrom.CLOSES, 0), "on the day the window closes, once", id="on the last day"),
        pytest.param(
            a_rung("overdue", CountedFrom.CLOSES, 1, every=7),
            "1 day after the window closes, then every 7 days",
            id="after, again and again",
        ),
        pytest.param(
            a_rung("overdue", CountedFrom.CLOSES, 2, every=1),
            "2 days after the window closes, then every day",
            id="daily",
        ),
    ],
)
def test_when_a_rung_is_reached_is_said_in_a_sentence(rung: VisitRung, said: str) -> None:
    assert from_when(rung) == said


def test_who_is_told_is_said_in_a_sentence() -> None:
    unread = next(rung for rung in POLICY.tasks if rung.task.value == "unread_result")

    assert to_whom(TOLD) == "coordinator (email) in the day's digest"
    assert to_whom(unread.to[0]) == (
        "clinician (email) by staff_note, on every day, again where nobody knows whether it arrived"
    )


def test_the_page_shows_every_rung_channel_language_example_and_caveat(hepwatch: Hepwatch) -> None:
    page = hepwatch("rules", "show", "default")

    assert (page.status, page.err) == (0, "")
    shown = " ".join(page.out.split())
    assert all(rung.rung in shown for rung in POLICY.rungs)
    assert all(name in shown for name in (*POLICY.channels, *POLICY.languages))
    assert all(example.name in shown for example in POLICY.worked_examples)
    assert all(example.name in shown for example in POLICY.worked_tasks)
    assert all(f"- {caveat}" in shown for caveat in POLICY.caveats)


def test_the_list_names_the_policy(hepwatch: Hepwatch) -> None:
    rules = hepwatch("rules", "list", "--json").value

    [policy] = [rule for rule in rules if rule["kind"] == "reminder_policy"]
    assert (policy["rule"], policy["title"]) == ("default@1", "Who is reminded, of what and when")
