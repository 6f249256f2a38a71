"""The verdicts of an episode are replaced as a whole, and only what differs is written, on both databases."""

import polars as pl
import pytest

from scheduler.store.errors import PromiseBroken, StoreMisused
from scheduler.store.registry import Registry
from tests.databases import MOMENT, some_audit_rows
from tests.follow_up_rows import LATER, some_examinations, some_verdicts, with_follow_up


def replace(registry: Registry, episodes: list[int], verdicts: pl.DataFrame) -> None:
    """Match the episodes again, a day later, and say so."""
    with registry.transaction(recorded_at=LATER) as transaction:
        transaction.replace_verdicts(episodes, verdicts)
        transaction.append_audit(some_audit_rows([None]))


def test_matching_again_with_the_same_outcome_writes_nothing(registry: Registry) -> None:
    followed = with_follow_up(registry, 2)
    same = some_verdicts(followed.patients, followed.episodes, followed.visits)

    with registry.transaction(recorded_at=LATER) as transaction:
        transaction.replace_verdicts(followed.episodes, same)

    with registry.reading() as reading:
        assert reading.verdicts_of()["recorded_at"].to_list() == [MOMENT, MOMENT]


def test_a_verdict_that_differs_takes_the_place_of_the_old_one(registry: Registry) -> None:
    followed = with_follow_up(registry, 2)
    matched = some_verdicts([1, 2], followed.episodes, followed.visits, verdict=["satisfies", "late"])

    replace(registry, followed.episodes, matched)

    with registry.reading() as reading:
        verdicts = reading.verdicts_of(followed.episodes)
    assert verdicts.select("examination_id", "verdict", "recorded_at").rows() == [
        (1, "satisfies", MOMENT),
        (2, "late", LATER),
    ]


def test_a_verdict_without_a_visit_is_compared_too(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    extra = some_verdicts([1], followed.episodes, followed.visits, verdict="extra", visit_id=None)
    replace(registry, followed.episodes, extra)

    with registry.transaction() as transaction:
        transaction.replace_verdicts(followed.episodes, extra)

    with registry.reading() as reading:
        assert reading.verdicts_of().select("visit_id", "verdict", "recorded_at").rows() == [(None, "extra", LATER)]


def test_a_corrected_examination_takes_the_verdict_with_it(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)
    of = (followed.patients, followed.episodes)
    with registry.transaction() as transaction:
        transaction.append("examinations", some_examinations([9], *of, version=2, reason="read again"))
        transaction.replace_verdicts(followed.episodes, some_verdicts([9], followed.episodes, followed.visits))
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        assert reading.verdicts_of()["examination_id"].to_list() == [9]


def test_the_verdicts_of_other_episodes_stay(registry: Registry) -> None:
    followed = with_follow_up(registry, 2)

    replace(registry, followed.episodes[:1], some_verdicts([], [], []))

    with registry.reading() as reading:
        assert reading.verdicts_of()["episode_id"].to_list() == followed.episodes[1:]


def test_a_verdict_of_an_episode_that_was_not_matched_is_a_defect(registry: Registry) -> None:
    followed = with_follow_up(registry, 2)
    both = some_verdicts(followed.patients, followed.episodes, followed.visits)

    with pytest.raises(StoreMisused, match="1 verdicts are of episodes that were not matched"):
        replace(registry, followed.episodes[:1], both)


def test_a_verdict_that_goes_needs_an_audit_row(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)

    unsaid = pytest.raises(StoreMisused, match=r"\['verdicts'\] were changed")
    with unsaid, registry.transaction() as transaction:
        transaction.replace_verdicts(followed.episodes, some_verdicts([], [], []))


def test_a_verdict_on_a_visit_that_does_not_exist_leaves_the_old_ones(registry: Registry) -> None:
    followed = with_follow_up(registry, 1)

    with pytest.raises(PromiseBroken):
        replace(registry, followed.episodes, some_verdicts([1], followed.episodes, [99]))

    with registry.reading() as reading:
        assert reading.verdicts_of()["visit_id"].to_list() == followed.visits
