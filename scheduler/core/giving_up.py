"""Bounded assessments whose missing inputs cannot be had: they stay bounded, and hold the plan up no longer.

Takes assessments and what signers said cannot be obtained; gives the assessments as the intensity is to read them. It
scores nothing: what was assessed stays as it was.
"""

import polars as pl

NOT_OBTAINABLE: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "not_obtainable": pl.List(pl.String()),  # recorded variables
}


def with_given_up(assessments: pl.DataFrame, not_obtainable: pl.DataFrame) -> pl.DataFrame:
    """The assessments with `is_given_up`: bounded, and every missing input is one that cannot be had.

    Such a one leaves the lowest group that is still possible, and nothing settles it. Needs `patient_id, status,
    possible_groups` (from low to high), `settled_by` and `missing`; a patient who is not in `NOT_OBTAINABLE` lacks
    nothing for good.

    >>> row = {"patient_id": 7, "status": "bounded", "possible_groups": ["low", "high"], "settled_by": ["inr"]}
    >>> said = pl.DataFrame([(7, ["inr"])], schema=NOT_OBTAINABLE, orient="row")
    >>> read = with_given_up(pl.DataFrame([row | {"missing": ["inr"]}]), said)
    >>> read["possible_groups"].to_list(), read["is_given_up"].to_list()
    ([['low']], [True])
    """
    missing, lost = pl.col("missing"), pl.col("not_obtainable")
    is_lost = (missing.list.len() > 0) & (missing.list.set_difference(lost).list.len() == 0)
    is_given_up = (pl.col("status") == "bounded") & is_lost.fill_null(value=False)
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return (
        assessments.join(not_obtainable.select(*NOT_OBTAINABLE), on="patient_id", how="left", maintain_order="left")
        .with_columns(is_given_up=is_given_up)
        .with_columns(
            possible_groups=pl.when("is_given_up")
            .then(pl.col("possible_groups").list.head(1))
            .otherwise("possible_groups"),
            settled_by=pl.when("is_given_up").then(nothing).otherwise("settled_by"),
        )
        .drop("not_obtainable")
    )
