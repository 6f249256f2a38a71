"""What may happen to a patient after the resection, and the day and the moment of it.

Takes events as recorded; gives those that were true by a day and known by a moment, in the order in which they
count. What they do to an episode is for `episodes`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import polars as pl

from scheduler.errors import ClinicalDataError, listed

EVENTS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "event": pl.String(),  # an Event
    "on": pl.Date(),  # when it was true
    "detail": pl.String(),  # where the recurrence is, what the treatment was, what the consent is for, why re-opened
    "recorded_at": pl.Datetime("us", "UTC"),  # when it was known
}


class Event(StrEnum):
    """What may be recorded, in the order in which events of one day count."""

    RECURRENCE = "recurrence"
    NON_CURATIVE_TREATMENT = "non_curative_treatment"
    CURATIVE_TREATMENT = "curative_treatment"
    TRANSPLANT = "transplant"
    SECOND_PRIMARY = "second_primary"
    LAST_SEEN = "last_seen"
    LOST = "lost"  # after the last contact, which may be of the same day
    TRANSFER = "transfer"
    TRANSFER_ACCEPTED = "transfer_accepted"
    ACKNOWLEDGED = "acknowledged"  # the treating team has taken over
    CONSENT_WITHDRAWN = "consent_withdrawn"
    REOPENED = "reopened"
    DEATH = "death"


RECURRENCES = ("intrahepatic", "extrahepatic", "both")
CONSENTS = ("contact", "registry")
ANCHORING = (Event.CURATIVE_TREATMENT, Event.TRANSPLANT)
# What belongs to the episode that a treatment of the same day ends.
BEFORE_TREATMENT = (Event.RECURRENCE, Event.NON_CURATIVE_TREATMENT, *ANCHORING)
# The patient was there, or somebody had news of them.
CONTACTS = tuple(
    event
    for event in Event
    if event not in (Event.LOST, Event.TRANSFER, Event.ACKNOWLEDGED, Event.REOPENED, Event.DEATH)
)


class EventsNotUnderstood(ClinicalDataError):
    """Events whose word or detail is not one of those that mean something."""

    def __init__(self, *, found: Sequence[str]) -> None:
        super().__init__(
            f"{len(found)} events are not understood: {listed(found[:5])}",
            advice=f"An event is one of {listed(list(Event))}; a recurrence says {listed(RECURRENCES)}, withdrawn "
            f"consent {listed(CONSENTS)}, and re-opening its reason.",
        )


def in_order(events: pl.DataFrame, *, as_of: date, known_at: datetime | None = None) -> pl.DataFrame:
    """The events (`EVENTS`) that were true by a day and recorded by a moment, both inclusive, as they count.

    By patient, day, kind and detail, whatever the order of recording; the same event recorded twice is one, known
    since the first time. Without `known_at`, everything recorded is known. Raises `EventsNotUnderstood`.

    >>> from datetime import UTC
    >>> at = datetime(2026, 5, 2, 12, tzinfo=UTC)
    >>> rows = [(7, "death", date(2026, 5, 1), None, at), (7, "last_seen", date(2026, 4, 1), None, at)]
    >>> events = pl.DataFrame(rows, schema=EVENTS, orient="row")
    >>> in_order(events, as_of=date(2026, 5, 1))["event"].to_list()
    ['last_seen', 'death']
    >>> in_order(events, as_of=date(2026, 5, 1), known_at=datetime(2026, 5, 2, 11, tzinfo=UTC)).height
    0
    """
    typed = events.select(pl.col(name).cast(kind) for name, kind in EVENTS.items())
    _check(typed)
    known = typed if known_at is None else typed.filter(pl.col("recorded_at") <= known_at)
    return (
        known.filter(pl.col("on") <= as_of)
        .group_by("patient_id", "event", "on", "detail")
        .agg(pl.col("recorded_at").min())
        .sort(
            "patient_id",
            "on",
            pl.col("event").cast(pl.Enum(Event)),
            pl.col("detail").fill_null(""),
        )
        .select(*EVENTS)
    )


def _check(events: pl.DataFrame) -> None:
    """Refuse what has no meaning: nothing is taken for something else."""
    event, detail = pl.col("event"), pl.col("detail")
    meant = {
        Event.RECURRENCE: detail.is_in(RECURRENCES),
        Event.CONSENT_WITHDRAWN: detail.is_in(CONSENTS),
        Event.REOPENED: detail.str.strip_chars().str.len_chars() > 0,
    }
    is_wrong = [(event == word.value) & ~right.fill_null(value=False) for word, right in meant.items()]
    unknown = ~event.is_in([word.value for word in Event]).fill_null(value=False)
    found = events.filter(unknown | pl.any_horizontal(is_wrong) | pl.col("on").is_null())
    if not found.is_empty():
        sentences = pl.format("{} {}", event.fill_null("(missing)"), _shown_detail())
        raise EventsNotUnderstood(found=found.select(said=sentences)["said"].unique(maintain_order=True).to_list())


def _shown_detail() -> pl.Expr:
    """The detail where it is a word of ours: a reason is free text and stays out of a message."""
    reason = pl.col("event") == Event.REOPENED.value
    return (
        pl.when(pl.col("on").is_null())
        .then(pl.lit("without a day"))
        .when(reason)
        .then(pl.lit("without a reason"))
        .otherwise(pl.format("'{}'", pl.col("detail").fill_null("")))
    )
