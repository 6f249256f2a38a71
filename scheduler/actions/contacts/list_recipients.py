"""Who is told at the sites, by role."""

import polars as pl

from scheduler.actions.contacts.site_recipient import site_id_of
from scheduler.store.registry import Registry

RECIPIENTS = ("site", "role", "code", "channel", "language", "has_address")


def list_recipients(registry: Registry, *, site: str | None = None) -> pl.DataFrame:
    """Who is told now (`RECIPIENTS`), at one site or at all; a missing channel or language is the policy's.

    Raises `SiteNotFound`.
    """
    with registry.reading() as reading:
        ids = None if site is None else [site_id_of(reading, site)]
        return reading.recipients_of(ids).select(RECIPIENTS)
