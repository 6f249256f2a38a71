"""What asks for a short-interval visit: a suspicious finding, and a marker that has risen.

Takes examinations and a protocol; gives triggers. Whether a visit is needed is for `short_interval`.
"""

import polars as pl

from scheduler.core.marker_rises import MARKER_RESULTS, marker_rises
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.short_interval import TRIGGERS

SUSPICIOUS_FINDING = "suspicious"


def triggers(examinations: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """Every trigger (`TRIGGERS`), by episode and day.

    Needs `examination_id, episode_id, anchor_on, procedure, performed_on, result_status, finding, value`. A pending
    result triggers nothing; of a marker, neither does a value whose result was found inadequate.

    >>> from datetime import date
    >>> from scheduler.core.protocols import OnMarkerRise
    >>> rule = OnMarkerRise(markers=("afp",), rises_in_a_row=2, times_the_lowest_since_surgery=2, source="policy")
    >>> scan = {"examination_id": 1, "episode_id": 1, "anchor_on": date(2026, 1, 31), "procedure": "liver_ct_mri"}
    >>> scan |= {"performed_on": date(2026, 3, 31), "result_status": "final", "finding": "suspicious", "value": None}
    >>> found = triggers(pl.DataFrame([scan]), SurveillanceProtocol.model_construct(on_marker_rise=rule))
    >>> found["because"].to_list()
    ['suspicious liver_ct_mri on 2026-03-31']
    """
    suspicious = examinations.filter(pl.col("finding") == SUSPICIOUS_FINDING, pl.col("result_status") == "final")
    found = suspicious.with_columns(because=pl.format("suspicious {} on {}", "procedure", "performed_on"))
    parts = [found.select(pl.col(name).cast(kind) for name, kind in TRIGGERS.items())]
    values = examinations.filter(pl.col("value").is_not_null(), pl.col("finding").ne_missing("inadequate"))
    if values.height:
        risen = marker_rises(values.select(pl.col(name).cast(kind) for name, kind in MARKER_RESULTS.items()), protocol)
        anchors = values.select("examination_id", "anchor_on")
        parts.append(risen.join(anchors, on="examination_id").rename({"reason": "because"}).select(*TRIGGERS))
    return pl.concat(parts).sort("episode_id", "performed_on", "because")
