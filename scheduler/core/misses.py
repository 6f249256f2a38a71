"""When an unanswered visit counts as missed, and how many were missed in a row before the next.

Takes visits in turn and a day; gives expressions over them. Matching and the worklist both ask here, so that a visit
is not overdue for the one and missed for the other. It knows no examination.
"""

from datetime import date
from typing import TypeVar

import polars as pl

GONE = ("withdrawn", "censored")
Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def in_turn(visits: Frame) -> Frame:
    """The visits that stand, neither withdrawn nor censored, by episode and due date.

    >>> visits = pl.DataFrame({"episode_id": [1, 1], "due_on": [date(2026, 6, 1), date(2026, 3, 1)], "status": "open"})
    >>> in_turn(visits)["due_on"].to_list()
    [datetime.date(2026, 3, 1), datetime.date(2026, 6, 1)]
    """
    return visits.filter(~pl.col("status").is_in(GONE)).sort("episode_id", "due_on", maintain_order=True)


def is_missed(as_of: date) -> pl.Expr:
    """Whether each visit of `in_turn` is missed as of the day; needs `status`, `opens_on` and `closes_on`.

    An open visit is missed once its window is over and the next one's has opened (that day included), or the next
    one is done already: from then on no examination is asked for on its account. One missed before stays so.

    >>> opens, closes = [date(2026, 3, 17), date(2026, 6, 17)], [date(2026, 4, 14), date(2026, 7, 14)]
    >>> visits = pl.DataFrame({"episode_id": 1, "status": "open", "opens_on": opens, "closes_on": closes})
    >>> [visits.select(is_missed(day)).to_series().to_list() for day in (date(2026, 6, 16), date(2026, 6, 17))]
    [[False, False], [True, False]]
    """
    is_over = (pl.col("status") == "open") & (pl.col("closes_on") < as_of)
    next_one_asks = pl.col("opens_on").shift(-1).over("episode_id") <= as_of
    next_one_done = pl.col("status").shift(-1).over("episode_id") == "done"
    passed_on = (next_one_asks | next_one_done).fill_null(value=False)
    return (pl.col("status") == "missed") | (is_over & passed_on)


def missed_before(missed: pl.Expr) -> pl.Expr:
    """How many visits of the episode were missed in a row just before each; 0 for a missed one itself.

    >>> visits = pl.DataFrame({"episode_id": 1, "missed": [True, True, False, False]})
    >>> visits.select(missed_before(pl.col("missed"))).to_series().to_list()
    [0, 0, 2, 0]
    """
    behind = missed.cast(pl.Int64).cum_sum()
    before_the_run = pl.when(~missed).then(behind).forward_fill().shift(1).fill_null(0)
    return pl.when(missed).then(0).otherwise(behind - before_the_run).over("episode_id")
