"""How a pipeline of lazy frames is worked out."""

import polars as pl


def collected(frame: pl.LazyFrame) -> pl.DataFrame:
    """The frame, worked out in memory.

    For the few thousand rows of a site's day or of a patient's life: the streaming engine, which is what a bare
    `collect` takes, costs twice as much for them. It is for frames that may be large.

    >>> collected(pl.LazyFrame({"day": [1, 2]}).filter(pl.col("day") > 1))["day"].to_list()
    [2]
    """
    return frame.collect(engine="in-memory")
