"""What the end of an episode makes of its visits, and what a person called them.

Takes visits and the states of their episodes; gives the visits with the status that follows. Nothing is missed after
an end; what was answered stays so.
"""

import polars as pl

from scheduler.core.visit_changes import KEY

CALLED_MISSED = "called missed by a person"  # the reason of a change that no end made


def censor(visits: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The visits with those due after the end of their episode `censored`, those due up to and on the last day not.

    Needs `episode_id`, `due_on` and `status`, and `STATES`. What is answered or withdrawn stays so; nothing is missed
    after an end. A censored visit that is not due after one (any more: re-opened, or ended later than was thought) is
    open again.

    >>> from datetime import date
    >>> visits = pl.DataFrame({"episode_id": [1, 1], "due_on": [date(2026, 5, 1), date(2026, 5, 2)], "status": "open"})
    >>> states = pl.DataFrame({"episode_id": [1], "ended_on": [date(2026, 5, 1)]})
    >>> censor(visits, states)["status"].to_list()
    ['open', 'censored']
    """
    ends = states.filter(pl.col("episode_id").is_not_null()).select("episode_id", "ended_on", is_known=pl.lit(True))
    is_after = (pl.col("due_on") > pl.col("ended_on")).fill_null(value=False)
    is_censored = (pl.col("status") == "censored") & pl.col("is_known")
    return (
        visits.join(ends, on="episode_id", how="left", maintain_order="left")
        .with_columns(
            status=pl.when(is_after & pl.col("status").is_in(["open", "missed"]))
            .then(pl.lit("censored"))
            .when(is_censored & ~is_after)
            .then(pl.lit("open"))
            .otherwise("status")
        )
        .select(visits.columns)
    )


def called_missed(visits: pl.DataFrame, changes: pl.DataFrame) -> pl.Series:
    """Whether a person called each visit missed, and nothing opened it since; what an end made of it does not count.

    Needs `visit_changes.KEY` of both, and `change` and `reason` of the changes, which stand in the order of recording.

    >>> key = {"episode_id": 1, "origin": "grid"}
    >>> visits = pl.DataFrame([key | {"grid_month": 2}, key | {"grid_month": 4}])
    >>> change = {"change": "missed", "reason": "called missed by a person"}
    >>> called_missed(visits, pl.DataFrame([key | {"grid_month": 4} | change])).to_list()
    [False, True]
    """
    told = changes.filter(pl.col("change").is_in(["missed", "added"])).unique(KEY, keep="last", maintain_order=True)
    called = told.filter(pl.col("reason") == CALLED_MISSED).select(*KEY, is_called=pl.lit(True))
    return visits.join(called, on=KEY, how="left", maintain_order="left")["is_called"].fill_null(value=False)


def before_any_end(visits: pl.DataFrame) -> pl.DataFrame:
    """The visits as if no episode had ended: open where an end closed them, missed where a person called them so.

    Needs `status` and `is_called_missed`.

    >>> visits = pl.DataFrame({"status": ["missed", "missed", "censored"], "is_called_missed": [True, False, False]})
    >>> before_any_end(visits)["status"].to_list()
    ['missed', 'open', 'open']
    """
    was_open = pl.col("status").is_in(["missed", "censored"])
    status = pl.when("is_called_missed").then(pl.lit("missed")).when(was_open).then(pl.lit("open")).otherwise("status")
    return visits.with_columns(status=status)


def uncensored(visits: pl.DataFrame) -> pl.DataFrame:
    """The visits with the censored ones open: what was examined before an end is asked without regard to the end.

    >>> uncensored(pl.DataFrame({"status": ["censored", "done"]}))["status"].to_list()
    ['open', 'done']
    """
    is_censored = pl.col("status") == "censored"
    return visits.with_columns(status=pl.when(is_censored).then(pl.lit("open")).otherwise("status"))


def settle(visits: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The visits as `censor` gives them, and none open in an ended episode: what was due before has its outcome too.

    Missed where the window was over before the last day; censored where the patient still had time. Comes after
    matching, which decides what was answered. Needs `closes_on` too.

    >>> from datetime import date
    >>> day = {"due_on": date(2026, 4, 20), "status": "open"}
    >>> visits = pl.DataFrame([{"episode_id": 1, "closes_on": date(2026, 5, end), **day} for end in (1, 2)])
    >>> settle(visits, pl.DataFrame({"episode_id": [1], "ended_on": [date(2026, 5, 2)]}))["status"].to_list()
    ['missed', 'censored']
    """
    ends = states.filter(pl.col("ended_on").is_not_null()).select("episode_id", "ended_on")
    is_left = pl.col("status").is_in(["open", "missed"]) & pl.col("ended_on").is_not_null()
    outcome = pl.when(pl.col("closes_on") < pl.col("ended_on")).then(pl.lit("missed")).otherwise(pl.lit("censored"))
    return (
        censor(visits, states)
        .join(ends, on="episode_id", how="left", maintain_order="left")
        .with_columns(status=pl.when(is_left).then(outcome).otherwise("status"))
        .select(visits.columns)
    )
