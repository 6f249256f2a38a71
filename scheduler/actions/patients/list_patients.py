"""Who is in the registry, and whose report is awaited."""

from collections.abc import Collection
from datetime import date
from typing import Literal

import polars as pl

from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.event_lines import State
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

PATIENT_LIST = (
    "mrn",
    "site",
    "resected_on",
    "days_since",  # the resection
    "signed_reports",  # a list of surgery, pathology
    "state",  # of the latest episode
    "intensity",  # of the plan that it follows; missing where there is none, like provisional
    "provisional",
)
STAGES = ("surgery", "pathology")
NOT_ENDED = tuple(state.value for state in State if state is not State.ENDED)


def list_patients(
    registry: Registry,
    *,
    today: date,
    awaiting: Literal["surgery", "pathology"] | None = None,
    older_than: int | None = None,
    site: str | None = None,
    states: Collection[str] = (),
) -> pl.DataFrame:
    """A row per resection (`PATIENT_LIST`), the longest ago first, by MRN within a day.

    `awaiting`: those only whose report of that stage is not signed, whether or not a plan is followed. `older_than`:
    those resected more than so many days ago, that day itself left out. Without `states` everybody whose latest
    episode has not ended. Raises `SiteNotFound`.
    """
    with registry.reading() as reading:
        check_site(reading, site)
        resections = reading.signings(awaiting=awaiting, site=site).with_columns(
            days_since=(pl.lit(today) - pl.col("resected_on")).dt.total_days()
        )
        old_enough = pl.lit(value=True) if older_than is None else pl.col("days_since") > older_than
        listed = _with_episodes(reading, resections.filter(old_enough)).filter(
            pl.col("state").is_in(list(states or NOT_ENDED))
        )
        identities = reading.identities(listed["patient_id"].unique()).select("patient_id", "mrn")
    return (
        listed.join(identities, on="patient_id", maintain_order="left")
        .with_columns(signed_reports=_signed_reports())
        .sort("resected_on", "mrn", "site")
        .select(PATIENT_LIST)
    )


def _with_episodes(reading: Reading, resections: pl.DataFrame) -> pl.DataFrame:
    """The resections with the state of each patient's latest episode, and the plan that it follows."""
    latest = (
        reading.episodes_of(resections["patient_id"].unique())
        .sort("anchor_on", "episode_id")
        .unique("patient_id", keep="last")
    )
    plans = reading.current_plans(latest["episode_id"]).select("episode_id", "intensity", "provisional")
    followed = latest.join(plans, on="episode_id", how="left").select("patient_id", "state", "intensity", "provisional")
    return resections.join(followed, on="patient_id", maintain_order="left")


def _signed_reports() -> pl.Expr:
    signed = [pl.when(pl.col(f"{stage}_signed_at").is_not_null()).then(pl.lit(stage)) for stage in STAGES]
    return pl.concat_list(signed).list.drop_nulls()
