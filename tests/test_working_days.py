"""Working days from the holidays library."""

from datetime import date

import pytest

from scheduler.core.calendar import WorkingDays
from scheduler.working_days import UnknownCountry, UnknownSubdivision, working_days


@pytest.mark.parametrize(
    ("country", "subdivision", "day"),
    [
        pytest.param("KR", None, date(2026, 9, 25), id="Chuseok"),
        pytest.param("CN", None, date(2026, 10, 1), id="Chinese national day"),
        pytest.param("de", "by", date(2026, 1, 6), id="Epiphany in Bavaria, in small letters"),
        pytest.param("SA", None, date(2026, 3, 13), id="a Friday in Saudi Arabia"),
    ],
)
def test_a_site_rests_on_its_countrys_holidays(country: str, subdivision: str | None, day: date) -> None:
    assert not working_days(country, subdivision, [2026]).includes(day)


def test_epiphany_is_worked_where_the_subdivision_does_not_keep_it() -> None:
    assert working_days("DE", "BE", [2026]).includes(date(2026, 1, 6))


def test_every_year_asked_for_has_its_holidays() -> None:
    site = working_days("KR", None, range(2025, 2028))

    assert {day.year for day in site.closed} == {2025, 2026, 2027}


def test_a_site_may_close_on_days_of_its_own() -> None:
    own = date(2026, 7, 1)

    assert not working_days("KR", None, [2026], closed=[own]).includes(own)


def test_without_a_country_only_weekends_are_not_worked() -> None:
    assert working_days(None, None, [2026]) == WorkingDays()


@pytest.mark.parametrize(("country", "nearest"), [("KOREA", "KOR"), ("KRX", "KR"), ("UK1", "UK")])
def test_an_unknown_country_names_the_nearest_codes(country: str, nearest: str) -> None:
    with pytest.raises(UnknownCountry, match=rf"country {country}; nearest codes: .*\b{nearest}\b") as refusal:
        working_days(country, None, [2026])

    assert refusal.value.exit_status == 5


@pytest.mark.parametrize(
    ("country", "subdivision", "hint"),
    [("DE", "BX", "nearest codes: .*BY"), ("DE", "??", "its codes: BB, BE"), ("KR", "11", "its codes: none")],
)
def test_an_unknown_subdivision_names_what_there_is(country: str, subdivision: str, hint: str) -> None:
    with pytest.raises(UnknownSubdivision, match=f"no subdivision .*{hint}"):
        working_days(country, subdivision, [2026])
