"""Finding a patient: by the MRN, or by the number that messages show."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.actions.finding import PatientNotFound, SeveralPatients, find_patient, patients_named, version_of
from scheduler.store.registry import Registry
from tests.actions.conftest import Copies
from tests.actions.lives import FIRST_VISIT, happened
from tests.actions.tables import NOT_SIGNED, a_patient, a_table, import_table


@pytest.fixture
def crowd(copies: Copies, tmp_path: Path) -> Iterator[Registry]:
    """Patients 1 to 4: P-1 at two sites, one whose MRN is written like a number, and P-4."""
    rows = [a_patient(), a_patient(site="busan"), a_patient(mrn="#4"), a_patient(mrn="P-4")]
    url = copies.new("crowd", lambda registry: import_table(registry, a_table(tmp_path, *rows), sign=NOT_SIGNED))
    with Registry.open(url) as registry:
        yield registry
    copies.drop(url)


def found(registry: Registry, named: str, site: str | None = None) -> tuple[int, str, str]:
    """Number, MRN and site of the patient who is found."""
    with registry.reading() as reading:
        patient = find_patient(reading, named, site=site)
    return patient.patient_id, patient.mrn, patient.site


def test_a_patient_is_found_by_the_number_that_messages_show(crowd: Registry) -> None:
    assert [found(crowd, f"#{number}")[:2] for number in (1, 2, 3)] == [(1, "P-1"), (2, "P-1"), (3, "#4")]
    assert found(crowd, " #2 ") == found(crowd, "P-1", "busan")


def test_an_mrn_that_is_written_like_a_number_still_wins(crowd: Registry) -> None:
    assert found(crowd, "#4")[1] == "#4"
    assert found(crowd, "P-4")[0] == 4


def test_a_number_at_another_site_is_not_found(crowd: Registry) -> None:
    number, _, _ = found(crowd, "P-1", "busan")

    assert found(crowd, f"#{number}", "busan")[2] == "busan"
    with pytest.raises(PatientNotFound, match=f"there is no patient #{number} at site seoul"):
        found(crowd, f"#{number}", "seoul")


@pytest.mark.parametrize("named", ["#0", "#5", "#", "#1a", "# 1", "1", "#-1", "#١", "#9999999999999999999999"])
def test_what_is_neither_an_mrn_nor_a_number_finds_nobody(crowd: Registry, named: str) -> None:
    with pytest.raises(PatientNotFound, match="there is no patient"):
        found(crowd, named)


def test_an_mrn_at_several_sites_needs_the_site_and_a_number_does_not(crowd: Registry) -> None:
    with pytest.raises(SeveralPatients):
        found(crowd, "P-1")

    assert {found(crowd, f"#{number}")[1] for number in (1, 2)} == {"P-1"}


def test_several_patients_are_found_at_once_and_one_who_is_not_there_is_told(crowd: Registry) -> None:
    with crowd.reading() as reading:
        both = patients_named(reading, ["P-1", "#1"])
        nobody = patients_named(reading, [])

        with pytest.raises(PatientNotFound, match="P-9"):
            patients_named(reading, ["P-1", "P-9"])

    assert both.to_list() == [1, 2]
    assert nobody.to_list() == []


def test_a_patient_who_is_named_by_number_is_acted_on_and_told_by_mrn(followed: Registry) -> None:
    before = version_of(followed, "P-1")

    recorded = happened(followed, "last_seen", FIRST_VISIT, mrn="#1")

    assert recorded.patient.mrn == "P-1"
    assert version_of(followed, "#1") == before + 1
