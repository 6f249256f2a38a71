"""Tables of examinations: every bad cell is named, nothing of a bad row is stored, nothing good is lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scheduler.actions.history.history_tables import HistoryFile, HistoryTableRefused
from scheduler.actions.history.import_examinations import import_examinations
from scheduler.actions.history.telling_imports import HistoryImported
from scheduler.store.registry import Registry
from tests.actions.histories import TODAY, an_event, record
from tests.actions.tables import BOTH, a_patient, a_table, import_table, rules_of, stored


def a_row(**cells: str) -> dict[str, str]:
    """A CT of patient P-1 without recurrence, with overrides."""
    return {
        "mrn": "P-1",
        "procedure": "liver_ct_mri",
        "performed_on": "2026-08-28",
        "finding": "no_recurrence",
        **cells,
    }


def import_rows(registry: Registry, folder: Path, *rows: Mapping[str, str], **options: Any) -> HistoryImported:
    """Import the rows as anna."""
    file = HistoryFile(path=a_table(folder, *rows, name="exams.csv"), **{"today": TODAY, "actor": "anna", **options})
    return import_examinations(registry, file, rules_of(registry))


def problems(imported: HistoryImported) -> list[tuple[Any, ...]]:
    """(row, column, value, problem) of everything that refuses a row."""
    errors = imported.problems.filter(pl.col("severity") == "error")
    return errors.select("row", "column", "value", "problem").rows()


def test_examinations_and_marker_values_are_stored_and_matched(followed: Registry, tmp_path: Path) -> None:
    imported = import_rows(followed, tmp_path, a_row(afp_ng_ml="4.5", pivka_ii_mau_ml=""))

    with followed.reading() as reading:
        scans = reading.examinations_of().sort("procedure").select("procedure", "finding", "value", "result_status")
    assert scans.rows() == [("afp", None, 4.5, "final"), ("liver_ct_mri", "no_recurrence", None, "final")]
    assert (imported.rows, imported.refused_rows, imported.stored, imported.there_already) == (1, 0, 2, 0)
    assert imported.verdicts["examinations"].sum() == 2
    assert imported.is_whole


def test_the_same_file_twice_changes_nothing(followed: Registry, tmp_path: Path) -> None:
    rows = (a_row(afp_ng_ml="4.5"), a_row(performed_on="2026-12-01", afp_ng_ml=""))
    import_rows(followed, tmp_path, *rows)
    before = stored(followed)

    again = import_rows(followed, tmp_path, *rows)

    assert stored(followed) == before
    assert (again.stored, again.there_already, again.is_whole) == (0, 3, True)


def test_a_preview_says_the_same_and_stores_nothing(followed: Registry, tmp_path: Path) -> None:
    before = stored(followed)

    preview = import_rows(followed, tmp_path, a_row(), dry_run=True)
    after = stored(followed)
    imported = import_rows(followed, tmp_path, a_row())

    assert after == before
    assert (preview.stored, preview.verdicts.rows()) == (imported.stored, imported.verdicts.rows())
    assert preview.visits.rows() == imported.visits.rows()


def test_every_bad_cell_is_named_and_good_rows_are_stored(followed: Registry, tmp_path: Path) -> None:
    imported = import_rows(
        followed,
        tmp_path,
        a_row(afp_ng_ml="4,5", finding="clear"),
        a_row(performed_on="28/08/2026", afp_ng_ml=""),
        a_row(performed_on="2030-01-01", afp_ng_ml=""),
        a_row(mrn="P-9", afp_ng_ml=""),
        a_row(mrn="", afp_ng_ml="99999999999"),
        a_row(finding="", afp_ng_ml=""),
        a_row(performed_on="2026-11-30", afp_ng_ml=""),
    )

    assert problems(imported) == [
        (2, "finding", "clear", "is not one of the choices"),
        (2, "afp_ng_ml", "4,5", "has a decimal comma"),
        (3, "performed_on", "28/08/2026", "is not written year first"),
        (4, "performed_on", "2030-01-01", "is in the future"),
        (5, "mrn", "P-9", "is no patient of this registry"),
        (6, "mrn", None, "is missing"),
        (6, "afp_ng_ml", "99999999999", "is outside 0–5,000,000 ng/mL"),
        (7, "procedure", "procedure liver_ct_mri", "a final result needs a finding, or of a marker a value"),
    ]
    assert (imported.refused_rows, imported.stored, imported.is_whole) == (6, 1, False)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        pytest.param({"procedure": "liver_ct"}, "there is no procedure liver_ct", id="procedure"),
        pytest.param({"result": "pending"}, "the result is pending, and yet a finding", id="pending with a finding"),
        pytest.param({"value": "3"}, "liver_ct_mri has no value", id="value of imaging"),
        pytest.param({"recurrence_sites": "lung"}, "sites of recurrence are named", id="sites without recurrence"),
        pytest.param(
            {"finding": "extrahepatic_recurrence", "recurrence_sites": "lung|toe"}, "toe: not among", id="site unknown"
        ),
        pytest.param(
            {"procedure": "afp", "finding": "", "value": "6000000"}, "is outside 0 to 5,000,000", id="marker value"
        ),
    ],
)
def test_cells_that_do_not_agree_refuse_their_row(
    followed: Registry, tmp_path: Path, cells: dict[str, str], said: str
) -> None:
    imported = import_rows(followed, tmp_path, a_row(**cells))

    assert [said in problem for *_, problem in problems(imported)] == [True]
    assert (imported.refused_rows, imported.stored) == (1, 0)


def test_an_unusual_marker_value_is_stored_with_a_warning(followed: Registry, tmp_path: Path) -> None:
    imported = import_rows(followed, tmp_path, a_row(afp_ng_ml="121000"))

    assert imported.problems["severity"].to_list() == ["warning"]
    assert (imported.stored, imported.is_whole) == (2, True)


def test_sites_of_recurrence_are_kept_and_a_recurrence_changes_the_episode(followed: Registry, tmp_path: Path) -> None:
    row = a_row(finding="both", recurrence_sites="lung| liver", reviewed_by="dr.lee", place="Seoul")

    imported = import_rows(followed, tmp_path, row)

    with followed.reading() as reading:
        scan = reading.examinations_of().row(0, named=True)
    assert (scan["recurrence_sites"], scan["reviewed_by"], scan["place"]) == ('["liver", "lung"]', "dr.lee", "Seoul")
    assert scan["reviewed_at"] is not None
    assert imported.states.rows() == [("handed_over", 1)]


def test_an_examination_after_a_death_is_counted_and_fails_nothing(followed: Registry, tmp_path: Path) -> None:
    record(followed, [], [an_event("death", "2026-10-01")])

    imported = import_rows(followed, tmp_path, a_row(), a_row(performed_on="2026-12-01"))

    assert dict(imported.verdicts.rows())["after_end"] == 1
    assert imported.is_whole


def test_what_is_stored_otherwise_is_told_and_left(followed: Registry, tmp_path: Path) -> None:
    import_rows(followed, tmp_path, a_row())
    before = stored(followed)

    imported = import_rows(followed, tmp_path, a_row(finding="suspicious"))

    assert stored(followed) == before
    assert imported.differences.select("row", "mrn", "variable", "old", "new").rows() == [
        (2, "P-1", "finding", "no_recurrence", "suspicious")
    ]
    assert not imported.is_whole


def test_headings_that_are_unknown_or_absent_are_told_at_once(followed: Registry, tmp_path: Path) -> None:
    row = {"mrn": "P-1", "procedure": "afp", "date": "2026-08-28", "afp": "4"}

    with pytest.raises(HistoryTableRefused) as refused:
        import_rows(followed, tmp_path, row)

    message = refused.value.message
    assert refused.value.exit_status == 4
    assert "date is not a known heading" in message
    assert "afp is not a known heading; expected perhaps afp_ng_ml" in message
    assert "performed_on is missing" in message
    assert "finding is missing" in message


def test_an_mrn_at_two_sites_needs_the_site(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(), a_patient(site="busan")), sign=BOTH)

    unclear = import_rows(registry, tmp_path, a_row())
    clear = import_rows(registry, tmp_path, a_row(site="busan"))
    other = import_rows(registry, tmp_path, a_row(), site="seoul")

    assert problems(unclear) == [(2, "mrn", "P-1", "is a patient at busan and seoul")]
    assert (clear.stored, other.stored) == (1, 1)
    with registry.reading() as reading:
        assert reading.examinations_of()["patient_id"].n_unique() == 2
