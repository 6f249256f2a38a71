"""How often clinicians decide against the plan, for an audit."""

from datetime import date

import polars as pl

from scheduler.actions.overrides.overrides import override_state
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.core.event_lines import State
from scheduler.store.registry import Registry

COUNTED: dict[str, pl.DataType] = {
    "site": pl.String(),
    "kind": pl.String(),  # intensity, visit
    "recorded_by": pl.String(),
    "state": pl.String(),  # overrides.State
    "overrides": pl.Int64(),
    "patients_followed": pl.Int64(),  # of these sites together, whose episodes have not ended
}


def count_overrides(registry: Registry, *, today: date, site: str | None = None) -> pl.DataFrame:
    """How many overrides there are at each site, by kind, by whom and whether they hold today: `COUNTED`.

    Raises `SiteNotFound`.
    """
    with registry.reading() as reading:
        check_site(reading, site)
        sites = reading.patients().select("patient_id", "site")
        episodes = reading.episodes_of().join(sites, on="patient_id")
        overrides = reading.overrides_of()
    here = episodes.filter(pl.col("site") == site) if site else episodes
    followed = here.filter(pl.col("state") != State.ENDED.value)["patient_id"].n_unique()
    counted = (
        overrides.join(here.select("episode_id", "site"), on="episode_id")
        .with_columns(state=override_state(today))
        .group_by("site", "kind", "recorded_by", "state")
        .agg(overrides=pl.len())
        .with_columns(patients_followed=pl.lit(followed))
    )
    return counted.select(pl.col(name).cast(kind) for name, kind in COUNTED.items()).sort(pl.all())
