"""Between the look at what is owed and the claim anything may be recorded: what is claimed is what is owed then."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.contacts.set_recipient import set_recipient
from scheduler.actions.contacts.site_recipient import Named
from scheduler.actions.contacts.withdraw_contact import withdraw_contact
from scheduler.actions.visits.book_visit import book_visit
from scheduler.core.reminders.policy import Role
from scheduler.store.registry import Registry
from tests.actions.lives import examined, happened
from tests.actions.reminders.post import Post, may_be_told
from tests.actions.tables import a_table, import_table, some_patients

DUE = date(2026, 9, 1)
DAY = timedelta(days=1)
ANNA, PATIENT, BORA = "anna@example.org", "patient@example.org", "bora@example.org"

Change = Callable[[Registry], object]


def after_the_look(registry: Registry, change: Change) -> Callable[..., None]:
    """Something is recorded once the run has looked, and before it claims."""
    done: list[str] = []

    def hear(action: str, **_facts: Any) -> None:
        if action == "accounted" and not done:
            done.append(action)
            change(registry)

    return hear


def another_coordinator(registry: Registry) -> None:
    named = Named(site="seoul", role=Role.COORDINATOR, code="bora")
    set_recipient(registry, named, Reach(channel="email", address=BORA, language="en"), actor="x")


def booked(registry: Registry) -> None:
    book_visit(registry, "P-1", "grid-3", on=DUE + DAY, at="09:30", today=DUE, actor="x")


@pytest.mark.parametrize(
    ("change", "addresses"),
    [
        pytest.param(lambda _: None, [ANNA, PATIENT], id="nothing"),
        pytest.param(lambda registry: happened(registry, "death", DUE - DAY, today=DUE), [], id="a death"),
        pytest.param(lambda registry: examined(registry, DUE - DAY, today=DUE), [], id="an examination"),
        pytest.param(booked, [], id="an appointment"),
        pytest.param(
            lambda registry: withdraw_contact(registry, "P-1", reason="moved", actor="x"),
            [ANNA],
            id="the contact withdrawn",
        ),
        pytest.param(another_coordinator, [ANNA, BORA, PATIENT], id="another coordinator"),
    ],
)
def test_what_is_recorded_after_the_look_counts_when_it_is_claimed(
    clinic: Registry, post: Post, change: Change, addresses: list[str]
) -> None:
    [balance] = post.remind(clinic, DUE, told=after_the_look(clinic, change))

    assert sorted(each["address"] for each in post.came()) == addresses
    assert balance.state == "balanced"


def test_what_is_recorded_of_one_patient_changes_nothing_for_another(
    clinic: Registry, post: Post, tmp_path: Any
) -> None:
    import_table(clinic, a_table(tmp_path, *some_patients(2)))
    may_be_told(clinic, "P-2")
    died = after_the_look(clinic, lambda registry: happened(registry, "death", DUE - DAY, today=DUE))

    [balance] = post.remind(clinic, DUE, told=died)

    assert len(post.came_to(PATIENT)) == 1
    [digest] = [each for each in post.came() if each["address"] == ANNA]
    assert ("#1" in digest["text"], "#2" in digest["text"]) == (False, True)
    assert balance.state == "balanced"


def test_what_another_instance_claimed_since_the_look_is_not_claimed_again(clinic: Registry, post: Post) -> None:
    def another(registry: Registry) -> None:
        post.remind(registry, DUE, worker="another")

    [balance] = post.remind(clinic, DUE, told=after_the_look(clinic, another))

    assert sorted(each["address"] for each in post.came()) == [ANNA, PATIENT]
    assert (balance.state, balance.sent) == ("balanced", 2)
