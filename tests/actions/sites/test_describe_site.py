"""Sites: their countries keep due days off holidays, and every change is audited."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.sites.describe_site import UnknownTimeZone, describe_site, list_sites
from scheduler.errors import NotFound
from scheduler.store.registry import Registry
from tests.actions.tables import a_patient, a_table, import_table, only, stored


def _describe(registry: Registry, **said: str | None) -> None:
    nothing: dict[str, str | None] = dict.fromkeys(("title", "country", "subdivision", "time_zone"))
    describe_site(registry, "seoul", actor="anna", **{**nothing, **said})


def test_a_site_is_stored_and_what_is_not_said_stays(registry: Registry) -> None:
    _describe(registry, title="Seoul clinic", country="KR")

    _describe(registry, time_zone="Asia/Seoul")

    assert only(list_sites(registry)) == {
        "site": "seoul",
        "title": "Seoul clinic",
        "country": "KR",
        "subdivision": None,
        "time_zone": "Asia/Seoul",
    }


def test_every_change_of_a_site_leaves_an_audit_row(registry: Registry) -> None:
    _describe(registry, country="KR")
    _describe(registry, time_zone="Asia/Seoul")

    assert stored(registry)[0]["audit_rows"] == 2


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"country": "ZZ"}, id="country"),
        pytest.param({"country": "US", "subdivision": "Bavaria"}, id="subdivision"),
        pytest.param({"time_zone": "Asia/Atlantis"}, id="time zone"),
    ],
)
def test_a_place_that_nobody_knows_is_refused(registry: Registry, said: dict[str, str | None]) -> None:
    before = stored(registry)

    with pytest.raises(NotFound):
        _describe(registry, **said)

    assert stored(registry) == before


def test_an_unknown_time_zone_is_told_with_examples() -> None:
    assert "Asia/Seoul" in UnknownTimeZone(time_zone="Mars").advice


def test_due_days_keep_off_the_holidays_of_the_site(registry: Registry, tmp_path: Path) -> None:
    _describe(registry, country="KR")
    rows = [a_patient(mrn=f"P-{site}", site=site, resected_on="2026-06-25") for site in ("seoul", "nowhere")]

    import_table(registry, a_table(tmp_path, *rows))

    with registry.reading() as reading:
        visits = reading.visits_of().filter(pl.col("grid_month") == 3)
    assert sorted(visits["due_on"]) == [date(2026, 9, 25), date(2026, 9, 28)]  # Chuseok is on 25 September 2026
