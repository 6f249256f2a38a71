"""Who is told at the sites, by role."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from scheduler.actions.contacts.site_recipient import site_id_of
from scheduler.actions.reminders.asking import empty_roles, told_instead
from scheduler.store.registry import Registry

RECIPIENTS: dict[str, pl.DataType] = {
    "site": pl.String(),
    "role": pl.String(),
    "code": pl.String(),
    "channel": pl.String(),  # missing: the policy's, as is the language
    "language": pl.String(),
    "has_address": pl.Boolean(),
    "in_place_of": pl.List(pl.String()),  # roles in which the site names nobody, whose reminders come here
}


@dataclass(frozen=True, kw_only=True)
class Recipients:
    """Who is told now (`RECIPIENTS`), and the sites that have named nobody at all."""

    people: pl.DataFrame
    bare_sites: tuple[str, ...]


def list_recipients(registry: Registry, *, site: str | None = None) -> Recipients:
    """Who is told at one site or at all, and in the place of whom. Raises `SiteNotFound`."""
    with registry.reading() as reading:
        ids = None if site is None else [site_id_of(reading, site)]
        people = reading.recipients_of(ids)
        sites = reading.sites().filter(pl.col("site_id").is_in(ids) if ids else pl.lit(value=True))
    roles = dict(people.group_by("site").agg("role").rows())
    instead = [in_place_of(role, roles[of]) for of, role in people.select("site", "role").rows()]
    told = people.with_columns(in_place_of=pl.Series(instead, dtype=pl.List(pl.String)))
    return Recipients(
        people=told.select(pl.col(name).cast(kind) for name, kind in RECIPIENTS.items()),
        bare_sites=tuple(code for code in sites["site"] if code not in roles),
    )


def in_place_of(role: str, named: Collection[str]) -> list[str]:
    """The roles whose reminders this one gets too, at a site that names somebody in these roles only.

    >>> in_place_of("clinician", ["clinician", "surgeon"]), in_place_of("surgeon", ["clinician", "surgeon"])
    (['coordinator', 'site_lead'], [])
    """
    return empty_roles(named) if role == told_instead(named) else []
