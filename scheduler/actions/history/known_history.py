"""Which of some examinations and events are new, and which are stored already, in these words or in others.

Takes what is given and reads what is stored of the same patients. Writes nothing.
"""

from enum import StrEnum

import polars as pl

from scheduler.core.validation import MASK
from scheduler.store.reading import Reading

GIVEN_EXAMINATIONS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),
    "result_status": pl.String(),  # pending, final
    "finding": pl.String(),
    "recurrence_sites": pl.String(),  # JSON list
    "value": pl.Float64(),  # of a marker, in our unit
    "place": pl.String(),
    "reviewed_by": pl.String(),
}
GIVEN_EVENTS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "event": pl.String(),
    "on": pl.Date(),
    "detail": pl.String(),  # missing where nothing is said
}
COMPARED: dict[str, pl.DataType] = {
    "outcome": pl.String(),  # an Outcome
    "examination_id": pl.Int64(),  # of the one that is stored; missing for one that is not
}
DIFFERENCES: dict[str, pl.DataType] = {
    "position": pl.Int64(),  # of the examination among those given, from 0
    "variable": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
}
ONE = ["patient_id", "procedure", "performed_on"]
CONTENT = ("result_status", "finding", "recurrence_sites", "value", "place", "reviewed_by")
FREE_TEXT = ("place", "reviewed_by")
NOTHING_SAID = "[]"


class Outcome(StrEnum):
    """What becomes of one examination or event that is given."""

    STORED = "stored"
    THERE = "there already"
    DIFFERS = "differs"  # from what is stored of that procedure and day, or from another one given: nothing is stored


def compare_examinations(reading: Reading, given: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`COMPARED` for each of `given` (`GIVEN_EXAMINATIONS`), in its order, and what differs (`DIFFERENCES`).

    One of the same procedure and day whose every cell that is given says the same is there already; a cell that is
    missing says nothing. One that somebody deleted is not stored again: it differs. Of several given of one procedure
    and day the first is stored where all say the same, else none is.
    """
    rows = given.with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))
    against = _against(reading, rows)
    same = against.filter(_is_same()).group_by("position").agg(pl.col("examination_id").min())
    other = against.join(same, on="position", how="anti").sort("position", "number").unique("position", keep="first")
    fresh = rows.join(against, on="position", how="anti")
    agreeing, contradicting = _among_themselves(fresh)
    first = agreeing.filter(pl.int_range(pl.len()).over(ONE) == 0)
    compared = (
        rows.select("position")
        .join(same, on="position", how="left", maintain_order="left")
        .with_columns(
            outcome=pl.when(pl.col("position").is_in(first["position"].implode()))
            .then(pl.lit(Outcome.STORED.value))
            .when(pl.col("position").is_in(pl.concat([other["position"], contradicting["position"]]).implode()))
            .then(pl.lit(Outcome.DIFFERS.value))
            .otherwise(pl.lit(Outcome.THERE.value))
        )
    )
    return compared.select(*COMPARED), _differences(other, contradicting)


def compare_events(reading: Reading, given: pl.DataFrame) -> pl.Series:
    """The outcome of each of `given` (`GIVEN_EVENTS`), in its order: stored, or there already with the same detail."""
    key = ["patient_id", "event", "on", "said"]
    said = pl.col("detail").fill_null("").alias("said")
    stored = reading.events_of(given["patient_id"].unique()).rename({"happened_on": "on"}).select(*key[:3], said)
    rows = given.with_row_index("position").with_columns(said)
    is_known = rows.join(stored, on=key, how="semi")["position"]
    is_new = ~pl.col("position").is_in(is_known.implode()) & (pl.int_range(pl.len()).over(key) == 0)
    outcome = pl.when(is_new).then(pl.lit(Outcome.STORED.value)).otherwise(pl.lit(Outcome.THERE.value))
    return rows.select(outcome.alias("outcome")).to_series()


def _against(reading: Reading, rows: pl.DataFrame) -> pl.DataFrame:
    """Each given row beside what is stored of its procedure and day: the newest version, be it deleted or not."""
    newest = (
        reading.examination_versions(rows["patient_id"].unique())
        .sort("version")
        .unique([*ONE, "number"], keep="last")
        .select(*ONE, "number", "examination_id", "state", *(pl.col(name).alias(f"stored {name}") for name in CONTENT))
    )
    return rows.join(newest, on=ONE)


def _is_same() -> pl.Expr:
    return (pl.col("state") == "recorded") & pl.all_horizontal(_says_same(name) for name in CONTENT)


def _says_same(name: str) -> pl.Expr:
    says_nothing = pl.col(name).is_null() | (pl.lit(name == "recurrence_sites") & (_text(name) == NOTHING_SAID))
    return says_nothing | (pl.col(name) == pl.col(f"stored {name}")).fill_null(value=False)


def _among_themselves(fresh: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that are new and whose like on the same day say the same, and those whose like say something else."""
    agrees = pl.struct(CONTENT).n_unique().over(ONE) == 1
    return fresh.filter(agrees), fresh.filter(~agrees)


def _differences(other: pl.DataFrame, contradicting: pl.DataFrame) -> pl.DataFrame:
    deleted = other.filter(pl.col("state") == "deleted")
    changed = other.filter(pl.col("state") == "recorded")
    parts = [
        _difference(deleted, "examination", pl.lit("deleted"), pl.lit("recorded")),
        _difference(contradicting, "examination", pl.lit("otherwise in another row"), pl.lit("recorded")),
        *(
            _difference(changed.filter(~_says_same(name)), name, _told(f"stored {name}", name), _told(name, name))
            for name in CONTENT
        ),
    ]
    return pl.concat(parts).sort("position", maintain_order=True)


def _difference(rows: pl.DataFrame, variable: str, old: pl.Expr, new: pl.Expr) -> pl.DataFrame:
    told = rows.select("position", variable=pl.lit(variable), old=old, new=new)
    return told.select(pl.col(name).cast(kind) for name, kind in DIFFERENCES.items())


def _told(column: str, name: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null()).then(pl.lit(MASK) if name in FREE_TEXT else _text(column))


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)
