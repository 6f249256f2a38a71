"""What somebody has to do because something is not signed, or because a plan stays provisional.

Takes what was signed when, and the versions of plans; gives tasks (`episode_tasks.TASKS`), never stored. Each is a
finding about the registry too: `opened_on` is the day from which it is one.
"""

import polars as pl

from scheduler.core.episode_tasks import TASKS, Task
from scheduler.core.intensity import NOT_SIGNED

SIGNINGS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),  # that the resection began
    "resected_on": pl.Date(),
    "pathology_signed_on": pl.Date(),  # for the first time; missing while it is not signed
}
PLAN_VERSIONS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "version": pl.Int64(),
    "provisional": pl.Boolean(),
    "because": pl.List(pl.String()),  # in sentences
    "recorded_on": pl.Date(),
    "superseded_on": pl.Date(),  # missing while the plan is followed
    "ended_on": pl.Date(),  # the last day of its episode; missing while that goes on
}
PATHOLOGY_DAYS = 45  # source: the design
PROVISIONAL_DAYS = 60  # source: the design; that the task is due on the day it opens is policy
SETTLED_BY = "settled by"


def pathology_tasks(signings: pl.DataFrame) -> pl.DataFrame:
    """A `sign_pathology` task (`TASKS`) for each resection (`SIGNINGS`) whose pathology was not signed by day 45.

    Day 0 is the day of the resection. It opens and is due on day 45, unless pathology was signed on that day or
    before, and is closed on the day of the first signature.

    >>> from datetime import date
    >>> signing = (7, 1, date(2026, 1, 31), None)
    >>> tasks = pathology_tasks(pl.DataFrame([signing], schema=SIGNINGS, orient="row"))
    >>> tasks.select("opened_on", "owner", "reason").row(0)
    (datetime.date(2026, 3, 17), 'surgeon', 'pathology is not signed 45 days after the resection on 2026-01-31')
    """
    opened_on = pl.col("resected_on") + pl.duration(days=PATHOLOGY_DAYS)
    reason = pl.format(f"pathology is not signed {PATHOLOGY_DAYS} days after the resection on {{}}", "resected_on")
    return _tasks(
        signings.with_columns(
            anchor_on="resected_on", opened_on=opened_on, closed_on="pathology_signed_on", reason=reason
        ),
        Task.SIGN_PATHOLOGY,
        owner="surgeon",
    )


def provisional_plan_tasks(plans: pl.DataFrame) -> pl.DataFrame:
    """A `settle_provisional_plan` task (`TASKS`) for each plan (`PLAN_VERSIONS`) that was provisional for 60 days.

    Takes every version of the plans. Day 0 is the day on which the version was recorded that made the plan
    provisional; versions after it that are provisional too prolong that time. It opens and is due on day 60, and is
    closed on the day that a version is recorded which is not provisional, that nothing is planned any more, or that
    the episode ends. Its reason says what would settle the plan, as the newest of these versions tells it.

    >>> from datetime import date
    >>> because = ["ehr-postop low to high, settled by tumor_necrosis → basic to intensive"]
    >>> version = (7, 1, date(2026, 1, 31), 1, True, because, date(2026, 2, 10), None, None)
    >>> tasks = provisional_plan_tasks(pl.DataFrame([version], schema=PLAN_VERSIONS, orient="row"))
    >>> tasks.select("opened_on", "reason").row(0)  # doctest: +NORMALIZE_WHITESPACE
    (datetime.date(2026, 4, 11), 'provisional since 2026-02-10: ehr-postop low to high, settled by tumor_necrosis →
     basic to intensive')
    """
    versions = plans.select(pl.col(name).cast(kind) for name, kind in PLAN_VERSIONS.items())
    begins = pl.col("provisional").ne_missing(pl.col("provisional").shift(1).over("episode_id"))
    stretches = (
        versions.sort("episode_id", "version")
        .with_columns(stretch=begins.cum_sum().over("episode_id"))
        .filter("provisional")
        .group_by("patient_id", "episode_id", "anchor_on", "stretch", maintain_order=True)
        .agg(pl.col("recorded_on").first(), pl.col("because", "superseded_on", "ended_on").last())
        .with_columns(
            opened_on=pl.col("recorded_on") + pl.duration(days=PROVISIONAL_DAYS),
            closed_on=pl.min_horizontal("superseded_on", "ended_on"),
            reason=pl.format("provisional since {}: {}", "recorded_on", _what_settles()),
        )
    )
    return _tasks(stretches, Task.SETTLE_PROVISIONAL_PLAN, owner="coordinator")


def _what_settles() -> pl.Expr:
    """The sentences that name what is missing; where none does, all of them."""
    names_it = pl.element().str.contains(SETTLED_BY, literal=True) | (pl.element() == NOT_SIGNED)
    naming = pl.col("because").list.eval(pl.element().filter(names_it))
    return pl.when(naming.list.len() > 0).then(naming).otherwise("because").list.join("; ")


def _tasks(rows: pl.DataFrame, task: Task, *, owner: str) -> pl.DataFrame:
    """The tasks of one kind, due on the day they open; what was closed by then opens none."""
    opens = (pl.col("closed_on") > pl.col("opened_on")).fill_null(value=True)
    return (
        rows.filter(opens)
        .with_columns(task=pl.lit(task.value), due_on="opened_on", owner=pl.lit(owner))
        .select(pl.col(name).cast(kind) for name, kind in TASKS.items())
        .sort("patient_id", "opened_on")
    )
