"""What somebody has to do because of a result: one that is awaited, one that nobody has read, a marker that rose.

Takes examinations as they stand and a protocol; gives tasks (`episode_tasks.TASKS`), never stored. How many days are
given is policy. It knows neither visits nor plans.
"""

from datetime import date

import polars as pl

from scheduler.core.episode_tasks import TASKS, Task
from scheduler.core.examination import Finding, ResultStatus
from scheduler.core.liver_rhythm import LIVER_IMAGING
from scheduler.core.marker_rises import MARKER_RESULTS, marker_rises
from scheduler.core.protocols import SurveillanceProtocol

RESULTS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),
    "result_status": pl.String(),  # pending, final
    "finding": pl.String(),  # missing while pending, and where a procedure has none
    "value": pl.Float64(),  # of a marker, missing while pending
    "reviewed_on": pl.Date(),  # missing while nobody has read it
}
# Source: policy. Days after the examination, the last one inclusive.
AWAITED_DAYS, UNREAD_DAYS, MARKER_RISE_DAYS = 14, 7, 14
# Source: policy. What a clinician has to read.
TO_BE_READ = (
    Finding.SUSPICIOUS,
    Finding.INDETERMINATE,
    Finding.INTRAHEPATIC_RECURRENCE,
    Finding.EXTRAHEPATIC_RECURRENCE,
    Finding.BOTH,
)
COORDINATOR, CLINICIAN = "coordinator", "treating clinician"
NEVER = date(9999, 12, 31)


def result_tasks(examinations: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """The tasks (`TASKS`) that examinations (`RESULTS`) open, each with the day on which it was closed.

    `awaited_result` for a pending result, until it is final; what is final already is not told. `unread_result` for a
    final finding of `TO_BE_READ`, until the day of the review. `marker_rise` for a result at which a marker counts as
    risen (`marker_rises`), until it is reviewed, or until a later day on which the liver was imaged adequately: imaging
    of the same day is where the marker was taken, and does not explain it. While an earlier rise of the same marker is
    open, a later one opens no second task. One performed after the day asked about is not open then (`open_tasks`).

    >>> scan = (3, 7, 1, date(2026, 1, 31), "liver_ct_mri", date(2026, 5, 1), "final", "suspicious", None, None)
    >>> from scheduler.core.protocols import OnMarkerRise
    >>> rule = OnMarkerRise(markers=("afp",), rises_in_a_row=2, times_the_lowest_since_surgery=2, source="policy")
    >>> protocol = SurveillanceProtocol.model_construct(on_marker_rise=rule, procedures={})
    >>> tasks = result_tasks(pl.DataFrame([scan], schema=RESULTS, orient="row"), protocol)
    >>> tasks.select("task", "due_on", "reason").row(0)
    ('unread_result', datetime.date(2026, 5, 8), 'suspicious liver_ct_mri on 2026-05-01, read by nobody')
    """
    results = examinations.select(pl.col(name).cast(kind) for name, kind in RESULTS.items())
    parts = [_awaited(results), _unread(results), _rises(results, protocol)]
    return pl.concat(parts).sort("patient_id", "opened_on", "task", "reason")


def _awaited(results: pl.DataFrame) -> pl.DataFrame:
    pending = results.filter(pl.col("result_status") == ResultStatus.PENDING.value)
    reason = pl.format("the result of {} on {} is awaited", "procedure", "performed_on")
    return _tasks(pending.with_columns(reason=reason), Task.AWAITED_RESULT, owner=COORDINATOR, days=AWAITED_DAYS)


def _unread(results: pl.DataFrame) -> pl.DataFrame:
    read = pl.col("finding").is_in([finding.value for finding in TO_BE_READ]).fill_null(value=False)
    final = results.filter(pl.col("result_status") == ResultStatus.FINAL.value, read)
    words = pl.col("finding").replace("both", "intrahepatic and extrahepatic recurrence").str.replace_all("_", " ")
    is_read = pl.col("reviewed_on").is_not_null()
    by = pl.when(is_read).then(pl.format("read on {}", "reviewed_on")).otherwise(pl.lit("read by nobody"))
    told = final.with_columns(
        reason=pl.format("{} {} on {}, {}", words, "procedure", "performed_on", by), closed_on="reviewed_on"
    )
    return _tasks(told, Task.UNREAD_RESULT, owner=CLINICIAN, days=UNREAD_DAYS)


def _rises(results: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """One task for the rises of a marker that are open together: the earliest stands for those after it."""
    values = results.filter(pl.col("value").is_not_null(), pl.col("finding").ne_missing(Finding.INADEQUATE.value))
    if values.is_empty():
        return pl.DataFrame(schema=TASKS)
    risen = marker_rises(values.select(*MARKER_RESULTS), protocol).select("examination_id", "reason")
    closed_on = pl.min_horizontal("reviewed_on", "imaged_on")
    until = pl.col("closed_on").fill_null(NEVER)
    series, in_order = ["episode_id", "procedure"], ["performed_on", "examination_id"]
    earlier_until = until.cum_max().shift(1).over(series, order_by=in_order)
    rises = (
        _with_next_imaging(values.join(risen, on="examination_id"), results, protocol)
        .with_columns(closed_on=closed_on, reason=pl.format("{} ({})", "reason", "performed_on"))
        .filter((until > earlier_until).fill_null(value=True))
    )
    return _tasks(rises, Task.MARKER_RISE, owner=CLINICIAN, days=MARKER_RISE_DAYS)


def _with_next_imaging(rises: pl.DataFrame, results: pl.DataFrame, protocol: SurveillanceProtocol) -> pl.DataFrame:
    """The rises with the next day on which the liver was imaged adequately (`imaged_on`)."""
    imaging = protocol.procedures.get(LIVER_IMAGING)
    names = [LIVER_IMAGING, *(imaging.any_of if imaging else ())]
    is_final = pl.col("result_status") == ResultStatus.FINAL.value
    is_adequate = pl.col("finding").ne_missing(Finding.INADEQUATE.value)
    imaged = results.filter(pl.col("procedure").is_in(names), is_final, is_adequate)
    days = imaged.select("episode_id", imaged_on="performed_on").sort("imaged_on")
    return rises.sort("performed_on").join_asof(
        days,
        left_on="performed_on",
        right_on="imaged_on",
        by="episode_id",
        strategy="forward",
        allow_exact_matches=False,
        coalesce=False,
        check_sortedness=False,
    )


def _tasks(results: pl.DataFrame, task: Task, *, owner: str, days: int) -> pl.DataFrame:
    """The results with their `reason` as tasks of one kind; without `closed_on` they are open."""
    closed = [] if "closed_on" in results.columns else [pl.lit(None, dtype=pl.Date).alias("closed_on")]
    return results.with_columns(
        *closed,
        task=pl.lit(task.value),
        opened_on="performed_on",
        due_on=pl.col("performed_on") + pl.duration(days=days),
        owner=pl.lit(owner),
    ).select(pl.col(name).cast(kind) for name, kind in TASKS.items())
