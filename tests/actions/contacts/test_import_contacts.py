"""A table of contacts: every problem at once, addresses masked; the same file twice changes nothing."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scheduler.actions.contacts.import_contacts import ContactsImported, import_contacts
from scheduler.actions.contacts.withdraw_contact import withdraw_contact
from scheduler.actions.history.history_tables import HistoryFile, HistoryTableRefused
from scheduler.store.registry import Registry
from tests.actions.tables import (
    NOT_SIGNED,
    TODAY,
    a_table,
    actions_of,
    import_table,
    shipped_rules,
    some_patients,
    stored,
    without,
)


def a_row(number: int = 1, **cells: str) -> dict[str, str]:
    """A patient who is reached by e-mail, with overrides."""
    usual = {"channel": "email", "address": f"p{number}@example.org", "language": "ko", "consented_on": "2026-06-15"}
    return {"mrn": f"P-{number}", **usual, **cells}


@pytest.fixture
def clinic(registry: Registry, tmp_path: Path) -> Registry:
    """Three patients at seoul, of whom no report is signed."""
    import_table(registry, a_table(tmp_path, *some_patients(3)), sign=NOT_SIGNED)
    return registry


def load(registry: Registry, folder: Path, *rows: dict[str, str], **options: Any) -> ContactsImported:
    """Import the rows, as anna, today."""
    path = a_table(folder, *rows, name="contacts.csv")
    file = HistoryFile(path=path, **{"today": TODAY, "actor": "anna", **options})
    return import_contacts(registry, file, shipped_rules().dictionary)


def counts(imported: ContactsImported) -> tuple[int, int, int, int]:
    """Rows, refused, stored, there already."""
    return imported.rows, imported.refused_rows, imported.stored, imported.there_already


def addresses(registry: Registry) -> list[tuple[int, str]]:
    """Every address in force."""
    with registry.reading() as reading:
        return reading.contact_addresses(None).rows()


def test_a_table_is_imported_once(clinic: Registry, tmp_path: Path) -> None:
    rows = [a_row(1), a_row(2, channel="sms", address="tel:+82 10-1234-5678"), a_row(3, channel="", language="")]

    first = load(clinic, tmp_path, *rows)
    before = stored(clinic)
    again = load(clinic, tmp_path, *rows)

    assert (counts(first), counts(again)) == ((3, 0, 3, 0), (3, 0, 0, 3))
    assert addresses(clinic) == [(1, "p1@example.org"), (2, "+821012345678"), (3, "p3@example.org")]
    assert stored(clinic) == before
    with clinic.reading() as reading:
        contacts = reading.contacts_of().select("patient_id", "channel", "language", "consented_on")
    day = date(2026, 6, 15)
    assert contacts.rows() == [(1, "email", "ko", day), (2, "sms", "ko", day), (3, None, None, day)]


def test_each_contact_leaves_an_audit_row_without_its_address(clinic: Registry, tmp_path: Path) -> None:
    load(clinic, tmp_path, a_row(1))

    assert actions_of(clinic, 1)[-1] == "set_contact"
    with clinic.reading() as reading:
        assert "example.org" not in reading.audit_of(1).select(pl.all().cast(pl.String)).write_csv()


def test_a_changed_cell_is_a_new_version_and_a_blank_one_leaves_what_is_recorded(
    clinic: Registry, tmp_path: Path
) -> None:
    load(clinic, tmp_path, a_row(1))

    changed = load(clinic, tmp_path, a_row(1, channel="", language="en"))

    with clinic.reading() as reading:
        contact = reading.latest_contacts([1]).row(0, named=True)
    assert counts(changed) == (1, 0, 1, 0)
    assert (contact["version"], contact["channel"], contact["language"]) == (2, "email", "en")


WRONG = [
    pytest.param({"mrn": "P-9"}, "mrn", "is no patient of this registry", id="nobody"),
    pytest.param({"address": "minji"}, "address", "reaches nobody", id="no e-mail address"),
    pytest.param({"channel": "sms"}, "address", "reaches nobody", id="an e-mail address for a telephone"),
    pytest.param({"address": "+821012345678"}, "address", "looks like a spreadsheet formula", id="a bare +"),
    pytest.param({"channel": "p1@example.org"}, "channel", "reaches nobody", id="columns that changed places"),
    pytest.param({"address": ""}, "address", "is missing", id="no address"),
    pytest.param({"consented_on": ""}, "consented_on", "is missing", id="no consent"),
    pytest.param({"consented_on": "2026-07-02"}, "consented_on", "is in the future", id="a consent in the future"),
    pytest.param({"consented_on": "15/06/2026"}, "consented_on", "is not written year first", id="another order"),
]


@pytest.mark.parametrize(("cells", "column", "said"), WRONG)
def test_a_bad_row_is_told_by_its_number_with_the_address_masked(
    clinic: Registry, tmp_path: Path, cells: dict[str, str], column: str, said: str
) -> None:
    imported = load(clinic, tmp_path, a_row(2), a_row(1, **cells))

    problem = imported.problems.row(0, named=True)
    assert counts(imported) == (2, 1, 1, 0)
    assert (problem["row"], problem["column"]) == (3, column)
    assert said in problem["problem"]
    written = imported.problems.write_csv()
    assert not [each for each in ("example.org", "minji", "1012345678") if each in written]


def test_every_problem_is_told_at_once(clinic: Registry, tmp_path: Path) -> None:
    rows = [a_row(1, address="x"), a_row(9), a_row(2, consented_on="soon"), a_row(3)]

    imported = load(clinic, tmp_path, *rows)

    assert imported.problems.select("row", "column").rows() == [(2, "address"), (3, "mrn"), (4, "consented_on")]
    assert counts(imported) == (4, 3, 1, 0)


def test_a_telephone_that_is_taken_for_a_formula_is_told_how_to_be_written(clinic: Registry, tmp_path: Path) -> None:
    imported = load(clinic, tmp_path, a_row(1, channel="sms", address="+821012345678"))

    assert "is written tel:+82" in imported.problems["expected"][0]


def test_rows_of_one_patient_that_differ_are_refused_and_equal_ones_are_one(clinic: Registry, tmp_path: Path) -> None:
    equal, differing = [a_row(1), a_row(1)], [a_row(2), a_row(2, language="en")]

    imported = load(clinic, tmp_path, *equal, *differing)

    assert counts(imported) == (4, 2, 1, 1)
    assert imported.problems.select("row", "problem").rows() == [
        (4, "has several rows that differ"),
        (5, "has several rows that differ"),
    ]


@pytest.mark.parametrize(
    ("consented_on", "stored_rows"),
    [
        pytest.param("2026-06-14", 0, id="the day before the recorded consent"),
        pytest.param("2026-06-15", 1, id="the day of the recorded consent"),
        pytest.param("2026-06-16", 1, id="the day after it"),
    ],
)
def test_an_older_consent_does_not_replace_a_later_one(
    clinic: Registry, tmp_path: Path, consented_on: str, stored_rows: int
) -> None:
    load(clinic, tmp_path, a_row(1))

    imported = load(clinic, tmp_path, a_row(1, consented_on=consented_on, language="en"))

    assert imported.stored == stored_rows


def test_an_old_file_does_not_take_back_a_withdrawal(clinic: Registry, tmp_path: Path) -> None:
    load(clinic, tmp_path, a_row(1))
    withdraw_contact(clinic, "P-1", reason="asked", actor="anna")

    imported = load(clinic, tmp_path, a_row(1))

    assert counts(imported) == (1, 1, 0, 0)
    assert "is not after the withdrawal of " in imported.problems["problem"][0]
    assert addresses(clinic) == []


def test_a_preview_stores_nothing(clinic: Registry, tmp_path: Path) -> None:
    before = stored(clinic)

    imported = load(clinic, tmp_path, a_row(1), dry_run=True)

    assert imported.stored == 1
    assert stored(clinic) == before


def test_a_table_without_the_columns_is_refused_whole(clinic: Registry, tmp_path: Path) -> None:
    with pytest.raises(HistoryTableRefused, match=r"contacts\.csv cannot be imported"):
        load(clinic, tmp_path, without(a_row(1), "consented_on"))
