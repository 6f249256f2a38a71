"""The caveats that go wherever a group is shown: which of the models that gave one have what to say."""

import polars as pl

CAVEATS: dict[str, pl.DataType] = {"model": pl.String(), "caveat": pl.String()}


def caveats_of(assessments: pl.DataFrame) -> pl.DataFrame:
    """`CAVEATS` of every model that gave somebody a group or left some possible, each once, in the models' order.

    `assessments` are as `scheduler.core.scoring.score` gives them.

    >>> row = {"model": "ehr-preop", "possible_groups": ["low"], "caveats": ["does not fit"]}
    >>> caveats_of(pl.DataFrame([row, row])).rows()
    [('ehr-preop', 'does not fit')]
    """
    with_groups = assessments.filter(pl.col("possible_groups").list.len() > 0)
    said = with_groups.select("model", pl.col("caveats").alias("caveat")).unique(maintain_order=True)
    return said.explode("caveat").drop_nulls().cast(CAVEATS)  # type: ignore[arg-type]
