"""The sites: which there are, and in which country each is, so that due days keep off its holidays."""

from collections.abc import Callable
from functools import cache
from zoneinfo import available_timezones

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.core.calendar import WorkingDays
from scheduler.errors import NotFound
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.working_days import working_days

YEARS = range(1990, 2061)


class UnknownTimeZone(NotFound):
    """A time zone that nobody knows."""

    def __init__(self, *, time_zone: str) -> None:
        super().__init__(f"there is no time zone {time_zone}", advice="Use a name such as Asia/Seoul or Europe/Paris.")


def list_sites(registry: Registry) -> pl.DataFrame:
    """`site, title, country, subdivision, time_zone` of every site."""
    with registry.reading() as reading:
        return reading.sites().drop("site_id")


def describe_site(
    registry: Registry,
    code: str,
    *,
    title: str | None,
    country: str | None,
    subdivision: str | None,
    time_zone: str | None,
    actor: str,
) -> None:
    """Store a site, or what is said of one (None: as it was). Due days planned from now on keep off its holidays.

    Raises `UnknownCountry`, `UnknownSubdivision` or `UnknownTimeZone`.
    """
    if country is not None:
        working_days(country, subdivision, YEARS[:1])
    if time_zone is not None and time_zone not in available_timezones():
        raise UnknownTimeZone(time_zone=time_zone)
    said = {"title": title, "country": country, "subdivision": subdivision, "time_zone": time_zone}
    with registry.transaction() as transaction:
        known = transaction.sites().filter(pl.col("site") == code)
        kept = known.row(0, named=True) if known.height else {"title": code, "country": None, "subdivision": None}
        kept = {"time_zone": "UTC", **kept} | {name: value for name, value in said.items() if value is not None}
        site_id = kept.pop("site_id", None) or transaction.reserve_ids("sites", 1)[0]
        kept.pop("site", None)
        schema = {"id": pl.Int64(), "code": pl.String(), **dict.fromkeys(said, pl.String())}
        row = pl.DataFrame([{"id": site_id, "code": code, **kept}], schema=schema)
        if known.height:
            transaction.update("sites", row, key=["id"], put=list(said))
        else:
            transaction.append("sites", row)
        done = row.select(
            pl.lit("describe_site").alias("action"), pl.struct(pl.exclude("id")).struct.json_encode().alias("details")
        )
        audit(transaction, done, actor=actor)


def calendars(registry: Registry) -> Callable[[str], WorkingDays]:
    """Each site's working days, as `calendars_of` gives them."""
    with registry.reading() as reading:
        return calendars_of(reading)


def calendars_of(reading: Reading) -> Callable[[str], WorkingDays]:
    """Each site's working days, by its code: not its weekend, its country's holidays, or its own closed days.

    A site that is not known, or in no country, closes at weekends and on its own closed days only. Asked of a
    transaction, what is stored in it counts.
    """
    sites = reading.sites()
    places = {row["site"]: (row["country"], row["subdivision"]) for row in sites.iter_rows(named=True)}
    closures = reading.closures_of().join(sites.select("site_id", "site"), on="site_id")
    closed = {str(site): tuple(days["closed_on"]) for (site,), days in closures.group_by("site")}

    @cache
    def of(site: str) -> WorkingDays:
        country, subdivision = places.get(site, (None, None))
        return working_days(country, subdivision, YEARS, closed=closed.get(site, ()))

    return of
