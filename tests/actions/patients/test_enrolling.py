"""A name or birth date that differs from what is stored may be another person: it waits until somebody says why."""

import json
from datetime import date
from pathlib import Path

import pytest

from scheduler.store.registry import Registry
from tests.actions.tables import (
    NOT_SIGNED,
    a_patient,
    a_table,
    actions_of,
    differences,
    import_table,
    only,
    outcomes,
    stored,
    without,
)

MASKED = "•••"


def test_another_name_shows_that_it_differs_but_not_how_and_nothing_of_the_row_is_stored(
    registry: Registry, tmp_path: Path
) -> None:
    import_table(registry, a_table(tmp_path, without(a_patient(), "inr")))
    before = stored(registry)

    renamed = import_table(registry, a_table(tmp_path, a_patient(name="Hong Kildong", inr="1.1")))

    assert stored(registry) == before
    assert differences(renamed) == [("P-1", "name", MASKED, MASKED, False)]
    assert (outcomes(renamed), renamed.waiting_changes, renamed.is_whole) == ({}, 1, False)


def test_another_name_is_stored_with_a_reason_and_the_audit_says_which_cell_and_why(
    followed: Registry, tmp_path: Path
) -> None:
    renamed = import_table(followed, a_table(tmp_path, a_patient(name="Hong Kildong")), reason="misspelt at first")

    assert differences(renamed) == [("P-1", "name", MASKED, MASKED, True)]
    with followed.reading() as reading:
        identity = only(reading.identities())
        said = only(reading.audit_of(1), action="correct_identity")
    assert identity == {"patient_id": 1, "mrn": "P-1", "name": "Hong Kildong", "birth_date": date(1961, 2, 3)}
    assert (said["actor"], said["reason"]) == ("anna", "misspelt at first")
    assert json.loads(said["details"]) == {"changed": ["name"]}
    assert actions_of(followed, 1)[-1] == "correct_identity"


def test_another_birth_date_changes_the_age_too_and_the_patient_is_scored_again(
    followed: Registry, tmp_path: Path
) -> None:
    corrected = import_table(followed, a_table(tmp_path, a_patient(birth_date="1951-02-03")), reason="passport seen")

    assert differences(corrected) == [
        ("P-1", "birth_date", MASKED, MASKED, True),
        ("P-1", "age_years", "65", "75", True),
    ]
    with followed.reading() as reading:
        assert only(reading.identities())["birth_date"] == date(1951, 2, 3)
        assert only(reading.reports_of(), stage="surgery")["version"] == 2


def test_other_patients_of_the_table_do_not_wait(registry: Registry, tmp_path: Path) -> None:
    rows = [a_patient(mrn="P-1"), a_patient(mrn="P-2"), a_patient(mrn="P-3")]
    import_table(registry, a_table(tmp_path, *rows), sign=NOT_SIGNED)

    imported = import_table(registry, a_table(tmp_path, rows[0], {**rows[1], "name": "Somebody Else"}, rows[2]))

    assert differences(imported) == [("P-2", "name", MASKED, MASKED, False)]
    assert outcomes(imported) == {("surgery", "signed"): 2, ("pathology", "signed"): 2}


def test_a_table_without_names_says_nothing_of_them(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    imported = import_table(followed, a_table(tmp_path, without(a_patient(), "name", "birth_date")))

    assert (differences(imported), stored(followed)) == ([], before)


@pytest.mark.parametrize(
    ("first", "then", "old", "new"),
    [
        pytest.param("", "Hong Gildong", None, MASKED, id="learnt"),
        pytest.param("Hong Gildong", "", MASKED, None, id="blanked"),
    ],
)
def test_a_name_that_is_learnt_or_blanked_is_a_difference(
    registry: Registry, tmp_path: Path, first: str, then: str, old: str | None, new: str | None
) -> None:
    import_table(registry, a_table(tmp_path, a_patient(name=first)))

    imported = import_table(registry, a_table(tmp_path, a_patient(name=then)))

    assert differences(imported) == [("P-1", "name", old, new, False)]


def test_only_the_cell_that_differs_is_replaced(followed: Registry, tmp_path: Path) -> None:
    import_table(followed, a_table(tmp_path, without(a_patient(name="Hong Kildong"), "birth_date")), reason="misspelt")

    with followed.reading() as reading:
        assert only(reading.identities())["birth_date"] == date(1961, 2, 3)


def test_a_dry_run_corrects_no_identity(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    tried = import_table(followed, a_table(tmp_path, a_patient(name="Hong Kildong")), reason="misspelt", dry_run=True)

    with followed.reading() as reading:
        assert only(reading.identities())["name"] == "Hong Gildong"
    assert (differences(tried), stored(followed)) == ([("P-1", "name", MASKED, MASKED, True)], before)


def test_the_same_mrn_at_another_site_is_nobody_that_is_known(followed: Registry, tmp_path: Path) -> None:
    imported = import_table(followed, a_table(tmp_path, a_patient(site="busan", name="Somebody Else")))

    assert (imported.enrolled, differences(imported)) == (1, [])
