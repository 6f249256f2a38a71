"""When a tumour marker has risen, by the protocol's own rule.

Takes marker results and a protocol; gives the results at which a marker counts as risen, and why. It knows no unit:
the values of one marker must share one. What is done about a rise is for the worklist.
"""

import polars as pl

from scheduler.core.collecting import collected
from scheduler.core.protocols import OnMarkerRise, SurveillanceProtocol

MARKER_RESULTS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "procedure": pl.String(),  # the marker
    "performed_on": pl.Date(),
    "value": pl.Float64(),  # missing while pending
    "anchor_on": pl.Date(),  # the day of the surgery
}
MARKER_RISES: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),
    "value": pl.Float64(),
    "rises_in_a_row": pl.Int64(),  # up to and with this one
    "lowest_before": pl.Float64(),  # since surgery
    "reason": pl.String(),
}
SERIES = ("episode_id", "procedure")
DECIMALS = 9  # both sides of a comparison are rounded, so that a printed multiple lands on its boundary


def marker_rises(results: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """Every result at which a marker counts as risen: a `MARKER_RISES` row, by episode, marker and day.

    Takes `MARKER_RESULTS`, in any order. A marker has risen when it rose so often in a row as `on_marker_rise` says,
    or is so many times its lowest value since surgery, exactly so many included; an equal value is no rise and ends
    the row. Only values after the day of surgery count, each against those before it; results without a value and
    procedures that are no markers are passed over. Of several on one day the highest counts. A lowest value of zero
    is exceeded by any other.

    >>> from datetime import date
    >>> from scheduler.core.protocols import OnMarkerRise
    >>> rule = OnMarkerRise(markers=("afp",), rises_in_a_row=2, times_the_lowest_since_surgery=2, source="policy")
    >>> surgery, days = date(2026, 1, 31), (date(2026, 3, 31), date(2026, 5, 31), date(2026, 7, 31))
    >>> rows = [(n, 1, "afp", day, value, surgery) for n, (day, value) in enumerate(zip(days, (4.0, 3.0, 6.0)))]
    >>> results = pl.DataFrame(rows, schema=MARKER_RESULTS, orient="row")
    >>> marker_rises(results, SurveillanceProtocol.model_construct(on_marker_rise=rule))["reason"].to_list()
    ['afp 6.0 is at least 2 times the lowest since surgery, 3.0']
    """
    rule = protocol.on_marker_rise
    return collected(
        _one_a_day(results.lazy().select(*MARKER_RESULTS), rule)
        .with_columns(
            is_rise=(pl.col("value") > pl.col("value").shift(1)).over(SERIES).fill_null(value=False),
            lowest_before=pl.col("value").cum_min().shift(1).over(SERIES),
        )
        .with_columns(rises_in_a_row=_in_a_row(pl.col("is_rise")).over(SERIES))
        .with_columns(reason=_reason(rule))
        .filter(pl.col("reason") != "")
        .select(*MARKER_RISES)
    )


def _one_a_day(results: pl.LazyFrame, rule: OnMarkerRise) -> pl.LazyFrame:
    """The values that count, in the order of their days."""
    counting = results.filter(
        pl.col("procedure").is_in(rule.markers),
        pl.col("performed_on") > pl.col("anchor_on"),
        pl.col("value").is_not_null(),
    )
    in_order = counting.sort(*SERIES, "performed_on", -pl.col("value"), "examination_id")
    return in_order.unique([*SERIES, "performed_on"], keep="first", maintain_order=True)


def _in_a_row(is_rise: pl.Expr) -> pl.Expr:
    """How many rises in a row lead up to each value, its own included."""
    risen = is_rise.cast(pl.Int64).cum_sum()
    before_the_row = pl.when(~is_rise).then(risen).forward_fill()
    return risen - before_the_row


def _reason(rule: OnMarkerRise) -> pl.Expr:
    """Which parts of the rule hold, as a sentence; empty where none does."""
    times = rule.times_the_lowest_since_surgery
    boundary = (pl.col("lowest_before") * times).round(DECIMALS)
    is_multiple = (pl.col("value") > pl.col("lowest_before")) & (pl.col("value").round(DECIMALS) >= boundary)
    often = pl.format("has risen {} times in a row", "rises_in_a_row")
    multiple = pl.format(f"is at least {times:g} times the lowest since surgery, {{}}", "lowest_before")
    said = pl.concat_str(
        pl.when(pl.col("rises_in_a_row") >= rule.rises_in_a_row).then(often),
        pl.when(is_multiple).then(multiple),
        separator=" and ",
        ignore_nulls=True,
    )
    return pl.when(said != "").then(pl.format("{} {} {}", "procedure", "value", said)).otherwise(pl.lit(""))
