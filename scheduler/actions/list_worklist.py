"""The worklist of a day: who is due, who is overdue, who comes next."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import polars as pl

from scheduler.core.worklist import ON_THE_LIST, State, worklist
from scheduler.errors import NotFound, listed
from scheduler.store.registry import Registry

WORKLIST = (
    "mrn",
    "site",
    "visit",
    "procedures",
    "opens_on",
    "due_on",
    "closes_on",
    "state",
    "days_overdue",
    "missed_before",
    "intensity",
    "provisional",
    "protocol",
)
UPCOMING_DAYS = 28


class SiteNotFound(NotFound):
    """No site with this code: nobody's worklist, which must not look like an empty one."""

    def __init__(self, *, site: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no site {site} in this registry; there are {listed(known)}",
            advice="Check the code (upper and lower case count); `hepwatch site list` shows every site.",
        )


def list_worklist(
    registry: Registry,
    *,
    as_of: date,
    site: str | None = None,
    states: Collection[State] = ON_THE_LIST,
    upcoming_days: int = UPCOMING_DAYS,
) -> pl.DataFrame:
    """The open visits in these states as of a day, most urgent first: `WORKLIST`.

    `visit` names a visit of the patient: its origin and month, such as `grid-6`. Upcoming are those whose window opens
    within `upcoming_days`. `procedures` is a list. Raises `SiteNotFound`.
    """
    ahead = timedelta(days=upcoming_days if State.UPCOMING in states else 0)
    with registry.reading() as reading:
        known = reading.sites()["site"].to_list()
        if site is not None and site not in known:
            raise SiteNotFound(site=site, known=known)
        visits = reading.open_visits(opening_by=as_of + ahead, site=site)
        on_the_list = worklist(visits, as_of=as_of, states=states)
        identities = reading.identities(on_the_list["patient_id"].unique()).select("patient_id", "mrn")
    return (
        on_the_list.join(identities, on="patient_id", how="left", maintain_order="left")
        .with_columns(
            pl.format("{}-{}", "origin", "grid_month").alias("visit"),
            pl.format("{}@{}", "protocol_id", "protocol_version").alias("protocol"),
            pl.col("procedures").str.split("|"),
        )
        .select(WORKLIST)
    )
