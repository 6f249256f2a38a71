"""What a policy asks for against what the ledger has: what is still owed, what is settled, how a day adds up.

Takes `asked.ASKED` and the ledger's rows of the same visits and tasks; gives the outcome of each. It knows no worker
and no channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from scheduler.core.collecting import collected
from scheduler.core.reminders.asked import ASKED, SUBJECT, TELLING, WhyNot

LEDGER: dict[str, pl.DataType] = {
    "reminder_id": pl.Int64(),
    "visit_id": pl.Int64(),
    "patient_id": pl.Int64(),
    "task": pl.String(),
    "opened_on": pl.Date(),
    "rung": pl.String(),
    "occurrence": pl.Int64(),
    "recipient": pl.String(),
    "owed_on": pl.Date(),  # the day on whose account it stands
    "state": pl.String(),  # claimed, sent, failed, unknown
    "may_repeat": pl.Boolean(),  # it failed, and is to be tried again now
}
OUTCOMES: dict[str, pl.DataType] = {
    **ASKED,
    "outcome": pl.String(),  # an Outcome
    "reminder_id": pl.Int64(),  # missing where the ledger has no row
}
COUNTS = ("eligible", "sent", "failed", "suppressed", "unknown")  # of an account; the first is the sum of the others
KEY = [*TELLING, "occurrence"]
ROW = ["reminder_id", "owed_on", "state", "may_repeat"]


class Outcome(StrEnum):
    """What has become of something that was asked for."""

    OWED = "owed"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one site's day adds up. `unaccounted` is what was asked for and is neither told nor held back."""

    eligible: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    reasons: Mapping[str, int]  # suppressed by reason

    @property
    def unaccounted(self) -> int:
        """What is left of the eligible; 0 on a day that balances."""
        return self.eligible - self.sent - self.failed - self.suppressed - self.unknown


def outcomes(asked: pl.DataFrame, ledger: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """What has become of everything that is asked for (`OUTCOMES`); what earlier days settled is left out.

    Of each rung of a visit or task and each recipient there count the last row up to the day that has not failed, what
    failed after it, and every row of a later day; others need not be given. A row of a day since this occurrence began
    is this occurrence's, before all one that has not failed. Where there is none it comes after all that there were, so
    that a visit that was moved, or a rung that repeats otherwise than it did, is told of again.
    What failed and is to be tried again is owed, if nothing speaks against it. Else a row on the account of an earlier
    day is settled, one of this day has the outcome that the ledger has, and one of a later day is suppressed: it was
    told when this day was over. A rung that repeats is not told before so many days have passed since it was told
    last, however late that was.

    >>> asked = {"visit_id": 1, "patient_id": 7, "rung": "due", "occurrence": 1, "recipient": "patient"}
    >>> frame = pl.DataFrame([asked | {"occurs_on": date(2026, 3, 5)}]).select(
    ...     pl.col(name) if name in asked or name == "occurs_on" else pl.lit(None, kind).alias(name)
    ...     for name, kind in ASKED.items())
    >>> [outcomes(frame, pl.DataFrame(schema=LEDGER), as_of=date(2026, 3, 5))["outcome"].item(),
    ...  outcomes(frame.with_columns(why_not=pl.lit("booked")), pl.DataFrame(schema=LEDGER),
    ...     as_of=date(2026, 3, 5))["outcome"].item()]
    ['owed', 'suppressed']
    """
    every = ledger.lazy()
    later = every.filter(pl.col("owed_on") > as_of).select(*KEY, is_later=pl.lit(value=True))
    joined = (
        _placed(asked.lazy(), every, as_of)
        .join(later, on=KEY, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(why_not=_why_not(as_of))
    )
    is_of_the_day = pl.col("owed_on") == as_of
    repeats = (pl.col("state") == Outcome.FAILED.value) & pl.col("may_repeat")
    unsettled = joined.filter(is_of_the_day.fill_null(value=True) | repeats)
    suppressed = pl.when(pl.col("why_not").is_not_null()).then(pl.lit(Outcome.SUPPRESSED.value))
    outcome = (
        pl.when(is_of_the_day & ~repeats).then("state").otherwise(suppressed.otherwise(pl.lit(Outcome.OWED.value)))
    )
    found = unsettled.with_columns(outcome=outcome).select(pl.col(name).cast(kind) for name, kind in OUTCOMES.items())
    return collected(found)


def _placed(asked: pl.LazyFrame, ledger: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """What is asked for, each row with the ledger's row of its occurrence, and the day on which it was told before."""
    row, has_failed = pl.struct("occurrence", *ROW), pl.col("state") == Outcome.FAILED.value
    known = (
        ledger.filter(pl.col("owed_on") <= as_of)
        .sort("owed_on", "occurrence")
        .group_by(TELLING)
        .agg(
            highest=pl.col("occurrence").max(),
            told=row.filter(~has_failed).last(),
            failed=row.filter(has_failed).last(),
        )
    )
    told_on = pl.col("told").struct["owed_on"]
    both = asked.join(known, on=TELLING, how="left", nulls_equal=True, maintain_order="left").with_columns(
        it=pl.coalesce(_since_it_began("told"), _since_it_began("failed")),
        told_on=pl.when(told_on < as_of).then(told_on),
    )
    return both.with_columns(
        pl.coalesce(pl.col("it").struct["occurrence"], pl.max_horizontal("occurrence", pl.col("highest") + 1)),
        *(pl.col("it").struct[name] for name in ROW),
    )


def _since_it_began(row: str) -> pl.Expr:
    """A row of the ledger where it is of a day since the occurrence began; else nothing."""
    return pl.when(pl.col(row).struct["owed_on"] >= pl.col("occurs_on")).then(row)


def _why_not(as_of: date) -> pl.Expr:
    """Why a row is not told, where the ledger says so."""
    again_on = pl.col("told_on") + pl.duration(days=pl.col("repeats_every_days"))
    lately = pl.when(again_on > as_of).then(pl.lit(WhyNot.TOLD_LATELY.value))
    later = pl.when("is_later").then(pl.lit(WhyNot.NOT_RUNNING.value))
    return pl.coalesce(later, "why_not", lately)


def brought_up(rows: pl.DataFrame, of_the_day: pl.DataFrame) -> pl.DataFrame:
    """The `outcomes` after something was claimed and sent: what is not held back is what the day's ledger has now.

    What the ledger has not, or no more (another worker gave it back), is owed, if nothing speaks against it.

    >>> brought_up(pl.DataFrame(schema=OUTCOMES), pl.DataFrame(schema=LEDGER)).height
    0
    """
    now = of_the_day.select(*KEY, now_id="reminder_id", now="state")
    is_held_back = pl.col("outcome") == Outcome.SUPPRESSED.value
    without = pl.when(pl.col("why_not").is_null()).then(pl.lit(Outcome.OWED.value))
    outcome = pl.coalesce("now", without.otherwise(pl.lit(Outcome.SUPPRESSED.value)))
    return (
        rows.join(now, on=KEY, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            outcome=pl.when(is_held_back).then("outcome").otherwise(outcome),
            reminder_id=pl.when(is_held_back).then("reminder_id").otherwise(pl.coalesce("now_id", "reminder_id")),
        )
        .select(*OUTCOMES)
    )


def still_waiting(failed: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    """Those of the rows that failed (`LEDGER`) in whose place nothing was told since; other columns and order stay.

    `ledger` has what is known of the same visits and tasks. A later row about the same visit or task to the same
    recipient that was sent has taken the place: a higher rung, or a later occurrence.

    >>> row = {"visit_id": 1, "patient_id": 7, "task": None, "opened_on": None, "recipient": "patient"}
    >>> failed = pl.DataFrame([row | {"rung": "due", "owed_on": date(2026, 3, 5), "state": "failed"}])
    >>> sent = pl.DataFrame([row | {"rung": "overdue", "owed_on": date(2026, 3, 20), "state": "sent"}])
    >>> still_waiting(failed, sent).height, still_waiting(failed, failed).height
    (0, 1)
    """
    to = [*SUBJECT, "recipient"]
    told = ledger.filter(pl.col("state") == Outcome.SENT.value).group_by(to).agg(told_on=pl.col("owed_on").max())
    both = failed.join(told, on=to, how="left", nulls_equal=True, maintain_order="left")
    return both.filter((pl.col("told_on") <= pl.col("owed_on")).fill_null(value=True)).select(failed.columns)


def account(rows: pl.DataFrame, of_the_day: pl.DataFrame) -> Account:
    """How a day adds up, from its `outcomes` and the ledger's rows that stand on its account (`LEDGER`).

    What was claimed and not heard back of counts as unknown. A row of the ledger that is not asked for any more (the
    visit was moved, or is done since) was told all the same, and counts as what it is.

    >>> account(pl.DataFrame(schema=OUTCOMES), pl.DataFrame(schema=LEDGER)).eligible
    0
    """
    gone = of_the_day.join(rows, on="reminder_id", how="anti").select(outcome="state", why_not=pl.lit(None, pl.String))
    every = pl.concat([rows.select("outcome", "why_not"), gone])
    counts = dict(every.group_by("outcome").len().rows())
    suppressed = every.filter(pl.col("outcome") == Outcome.SUPPRESSED.value)
    return Account(
        eligible=every.height,
        sent=counts.get(Outcome.SENT.value, 0),
        failed=counts.get(Outcome.FAILED.value, 0),
        suppressed=suppressed.height,
        unknown=counts.get(Outcome.UNKNOWN.value, 0) + counts.get(Outcome.CLAIMED.value, 0),
        reasons=dict(suppressed.group_by("why_not").len().sort("why_not").rows()),
    )


def passed_over(rows: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The `outcomes` of a day on which nothing ran: what was owed is suppressed, with what became of it.

    `standing` is what is asked for today (`ASKED`): what still stands there is owed today (`not_running`); a higher
    rung, a later occurrence or an answer has taken the place of the rest (`superseded`).

    >>> passed_over(pl.DataFrame(schema=OUTCOMES), pl.DataFrame(schema=ASKED)).height
    0
    """
    one_occurrence = [*TELLING, "occurs_on"]
    still = standing.select(*one_occurrence, stands=pl.lit(value=True))
    is_owed = pl.col("outcome") == Outcome.OWED.value
    became = pl.when("stands").then(pl.lit(WhyNot.NOT_RUNNING.value)).otherwise(pl.lit(WhyNot.SUPERSEDED.value))
    return (
        rows.join(still, on=one_occurrence, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            why_not=pl.when(is_owed).then(became).otherwise("why_not"),
            outcome=pl.when(is_owed).then(pl.lit(Outcome.SUPPRESSED.value)).otherwise("outcome"),
        )
        .select(*OUTCOMES)
    )
