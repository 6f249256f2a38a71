"""Writing frames: what goes in comes out, what does not fit is refused, on both databases."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scheduler.store import sqlite
from scheduler.store.database import ROWS_AT_A_TIME
from scheduler.store.errors import ChangedMeanwhile, StoreMisused
from scheduler.store.registry import Registry
from tests.databases import (
    MOMENT,
    Followed,
    some_assessments,
    some_audit_rows,
    some_patients,
    some_plans,
    some_reports,
    some_rule_texts,
    some_sites,
    some_visits,
    with_patients,
)

AWKWARD_TEXTS = [
    "",
    " ",
    '"',
    "a,b;c",
    "line\nbreak\r\n",
    "\\N",
    "\\.",
    "NULL",
    "=1+1",
    "'; DROP TABLE visits; --",
    "é漢😀",
    "%s :name ?",
    "\t",
    "\x7f",
]


def test_awkward_texts_and_missing_ones_come_back_as_they_were(registry: Registry) -> None:
    numbers = list(range(1, len(AWKWARD_TEXTS) + 2))
    stored = some_sites(numbers, title=[*AWKWARD_TEXTS, "x"], subdivision=[*AWKWARD_TEXTS, None])

    with registry.transaction() as transaction:
        transaction.append("sites", stored)

    with registry.reading() as reading:
        sites = reading.sites()
    assert sites["title"].to_list() == [*AWKWARD_TEXTS, "x"]
    assert sites["subdivision"].to_list() == [*AWKWARD_TEXTS, None]


def test_numbers_come_back_to_the_last_bit(registry: Registry) -> None:
    numbers = [0.1 + 0.2, -3.96, 1e300, 5e-324, 0.0, 1 / 3, None]
    followed = with_patients(registry, len(numbers))
    bounded = some_assessments(
        range(101, 108),
        followed.resections,
        pathology_version=2,
        status="refused",
        linear_predictor=numbers,
        lowest=None,
        highest=None,
        risk_group=None,
    )

    with registry.transaction() as transaction:
        transaction.append("assessments", bounded)
        transaction.append_audit(some_audit_rows([None]))

    with registry.reading() as reading:
        found = reading.assessments_of(followed.resections).filter(pathology_version=2)
    assert [repr(number) for number in found["linear_predictor"]] == [repr(number) for number in numbers]


def test_days_moments_and_truth_come_back_as_they_were(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    moments = [datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC), None]
    plans = some_plans(followed.episodes, version=2, provisional=[True, False])

    with registry.transaction(recorded_at=MOMENT) as transaction:
        transaction.update("plans", _superseded(followed), key=["episode_id", "version"], put=["superseded_at"])
        transaction.append("plans", plans.with_columns(superseded_at=pl.Series(moments)))
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        current = reading.current_plans().select("episode_id", "version", "provisional", "recorded_at", "superseded_at")
    expected = pl.DataFrame(
        {
            "episode_id": [followed.episodes[1]],
            "version": [2],
            "provisional": [False],
            "recorded_at": [MOMENT],
            "superseded_at": [None],
        }
    )
    assert_frame_equal(current, expected.cast(current.schema))


def test_a_moment_of_another_time_zone_is_kept_in_utc(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    in_seoul = datetime(2026, 3, 1, 8, 30, tzinfo=timezone(timedelta(hours=9)))
    report = some_reports(followed.resections, stage="pathology")

    with registry.transaction() as transaction:
        transaction.append("reports", report.with_columns(signed_at=_moments(in_seoul, "Asia/Seoul")))
        transaction.append_audit(some_audit_rows([None]))

    with registry.reading() as reading:
        signed_at = reading.reports_of().filter(stage="pathology")["signed_at"].to_list()
    assert signed_at == [datetime(2026, 2, 28, 23, 30, tzinfo=UTC)]


def test_more_rows_than_one_chunk_are_all_written_updated_and_read(
    registry: Registry,
) -> None:
    count = ROWS_AT_A_TIME + 7
    followed = with_patients(registry, 1)
    months = list(range(10, 10 + count))

    with registry.transaction() as transaction:
        ids = transaction.reserve_ids("visits", count)
        transaction.append("visits", some_visits(ids, followed.episodes * count, grid_month=months))
        done = pl.DataFrame({"id": ids, "status": ["done"] * count})
        transaction.update("visits", done, key=["id"], put=["status"])
        transaction.append_audit(some_audit_rows([None]))

    with registry.reading() as reading:
        visits = reading.visits_of(followed.episodes)
    assert visits.filter(status="done")["visit_id"].sort().to_list() == list(ids)
    assert visits.filter(status="open")["visit_id"].to_list() == followed.visits


def test_an_empty_frame_changes_nothing_and_needs_no_audit_row(registry: Registry) -> None:
    with registry.transaction() as transaction:
        transaction.append("visits", some_visits([], []))
        transaction.append_patients(some_patients([]))
        ids = transaction.reserve_ids("visits", 0)

    assert list(ids) == []
    with registry.reading() as reading:
        assert reading.counts()["visits"] == 0


@pytest.mark.parametrize(
    ("table", "frame", "complaint"),
    [
        pytest.param("guests", some_sites([1]), "no table guests", id="no such table"),
        pytest.param("sites", some_sites([1], colour="red"), r"unknown columns \['colour'\]", id="unknown column"),
        pytest.param("sites", some_sites([1]).drop("code"), r"missing columns \['code'\]", id="missing column"),
        pytest.param("visits", some_visits([1], [1], due_on="2026-03-05"), "due_on.*String", id="a date as text"),
        pytest.param("visits", some_visits([1], [1], grid_month=2.5), "grid_month.*Float64", id="a broken month"),
        pytest.param("sites", some_sites([1], code=7), "code.*Int64", id="a number for a text"),
        pytest.param(
            "reports",
            some_reports([1], signed_at=MOMENT.replace(tzinfo=None)),
            "signed_at.*Datetime",
            id="a naive moment",
        ),
        pytest.param("audit_rows", some_audit_rows([1]), "append_audit", id="audit rows have their own door"),
    ],
)
def test_a_frame_that_does_not_fit_its_table_is_a_defect(
    registry: Registry, table: str, frame: pl.DataFrame, complaint: str
) -> None:
    with pytest.raises(StoreMisused, match=complaint), registry.transaction() as transaction:
        transaction.append(table, frame)


def test_a_row_that_somebody_else_changed_is_not_updated(registry: Registry) -> None:
    followed = with_patients(registry, 2)
    done = pl.DataFrame({"id": [followed.visits[0], 999], "status": ["done", "done"]})

    with pytest.raises(ChangedMeanwhile, match="of 2 visits to change only 1"), registry.transaction() as transaction:
        transaction.update("visits", done, key=["id"], put=["status"])

    with registry.reading() as reading:
        assert reading.visits_of()["status"].to_list() == ["open", "open"]


def test_many_updates_of_one_table_fit_in_one_transaction(registry: Registry) -> None:
    followed = with_patients(registry, 12)
    statuses = ["done", "missed", "withdrawn"] * 4

    with registry.transaction() as transaction:
        for visit, status in zip(followed.visits, statuses, strict=True):
            change = pl.DataFrame({"id": [visit], "status": [status]})
            transaction.update("visits", change, key=["id"], put=["status"])
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        assert reading.visits_of().sort("visit_id")["status"].to_list() == statuses


def test_a_rule_text_is_kept_once_however_often_it_is_used(registry: Registry) -> None:
    with registry.transaction(recorded_at=MOMENT) as transaction:
        transaction.append_rule_texts(some_rule_texts())
    with registry.transaction() as transaction:
        transaction.append_rule_texts(pl.concat([some_rule_texts(), some_rule_texts(digest="f" * 64, text="{}")]))

    with registry.reading() as reading:
        assert reading.counts()["rule_texts"] == 2
        assert reading.rule_text("f" * 64) == "{}"


def test_a_draft_is_deleted_and_a_signed_report_stays(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    unsigned = {"version": 2, "state": "draft", "signed_by": None, "signed_at": None}
    with registry.transaction() as transaction:
        transaction.append("reports", some_reports(followed.resections, **unsigned))
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.transaction() as transaction:
        transaction.delete_drafts(followed.resections, stage="surgery")
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        assert reading.reports_of().select("version", "state").rows() == [(1, "signed")]


def test_a_corrected_mrn_finds_the_patient_and_the_old_one_no_longer_does(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    corrected = some_patients(followed.patients, mrn="MRN-77", birth_date=date(1961, 1, 1)).rename({"id": "patient_id"})

    with registry.transaction() as transaction:
        transaction.replace_identities(corrected.drop("site_id"))
        transaction.append_audit(some_audit_rows(followed.patients))

    with registry.reading() as reading:
        found = reading.patients_by_mrn(["MRN-1", "MRN-77"])
        identities = reading.identities()
    assert found["mrn"].to_list() == ["MRN-77"]
    assert identities.rows() == [(followed.patients[0], "MRN-77", "Kim Minji", date(1961, 1, 1))]


def test_sqlite_writes_moments_as_sqlalchemy_would_read_them() -> None:
    assert MOMENT.strftime("%Y-%m-%d %H:%M:%S.%f") == pl.select(pl.lit(MOMENT).dt.to_string(sqlite.MOMENT_TEXT)).item()


def _superseded(followed: Followed) -> pl.DataFrame:
    """The first plans, superseded at the usual moment."""
    return pl.DataFrame({"episode_id": followed.episodes, "version": 1, "superseded_at": MOMENT})


def _moments(moment: datetime, zone: str) -> pl.Series:
    """One moment as a column of another time zone."""
    return pl.Series([moment.astimezone(UTC)]).dt.convert_time_zone(zone)
