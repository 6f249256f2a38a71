"""A site's working days, from the `holidays` library: its country's weekend and public holidays.

Takes a country and a subdivision as ISO 3166 codes; gives `WorkingDays`. The library is loaded when it is asked.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches

from scheduler.core.calendar import WorkingDays
from scheduler.errors import NotFound, listed


class UnknownCountry(NotFound):
    """A country code without a holiday calendar."""

    def __init__(self, *, country: str, nearest: Sequence[str]) -> None:
        super().__init__(
            f"there are no public holidays for country {country}; nearest codes: {listed(nearest)}",
            advice="Give the country's ISO code, such as KR or CN, or none: then only weekends are not worked.",
        )


class UnknownSubdivision(NotFound):
    """A subdivision code that the country does not have."""

    def __init__(self, *, country: str, subdivision: str, nearest: Sequence[str], known: Sequence[str]) -> None:
        hint = f"nearest codes: {listed(nearest)}" if nearest else f"its codes: {listed(known)}"
        super().__init__(
            f"{country} has no subdivision {subdivision} with public holidays of its own; {hint}",
            advice="Give one of the country's subdivision codes, or none: then its national holidays hold.",
        )


def working_days(
    country: str | None, subdivision: str | None, years: Iterable[int], *, closed: Iterable[date] = ()
) -> WorkingDays:
    """When a site works: not on its country's weekend, public holidays in these years, or its own `closed` days.

    Without a country only Saturdays, Sundays and `closed` are not worked. A weekend day that a country works to
    make up for a holiday counts as not worked. Raises `UnknownCountry` and `UnknownSubdivision`.

    >>> date(2026, 10, 9) in working_days("KR", None, [2026]).closed  # Hangul Day
    True
    """
    if country is None:
        return WorkingDays(closed=frozenset(closed))
    from holidays import country_holidays

    code, part = _known(country, subdivision)
    public = country_holidays(code, subdiv=part, years=list(years))
    return WorkingDays(weekend=frozenset(public.weekend), closed=frozenset(public) | frozenset(closed))


def _known(country: str, subdivision: str | None) -> tuple[str, str | None]:
    """The codes as the library spells them."""
    from holidays.utils import list_supported_countries

    countries = list_supported_countries(include_aliases=True)
    code = country.upper()
    if code not in countries:
        raise UnknownCountry(country=country, nearest=get_close_matches(code, countries, n=3, cutoff=0.3))
    if subdivision is None:
        return code, None
    known = countries[code]
    part = next((each for each in known if each.upper() == subdivision.upper()), None)
    if part is None:
        nearest = get_close_matches(subdivision.upper(), known, n=3, cutoff=0.3)
        raise UnknownSubdivision(country=code, subdivision=subdivision, nearest=nearest, known=known)
    return code, part
