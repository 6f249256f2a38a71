"""What each event does to the episodes of a patient: rule 7 of the design.

Takes episodes and events; gives the state of every episode as of a day, what is to be done, and which episodes begin.
A state follows from the set of events alone, so the order in which they were recorded does not matter. It knows
neither visits of a plan nor what was decided before.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property

import polars as pl

from scheduler.core.episode_tasks import in_words, tasks_of
from scheduler.core.event_lines import ON_A_LINE, State, deaths, lines_of, with_new_anchors
from scheduler.core.events import ANCHORING, CONTACTS, EVENTS, Event, in_order
from scheduler.core.protocols import Intensity

EPISODES: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "patient_id": pl.Int64(),
    "anchor_on": pl.Date(),
}  # beside these, `r2_on` may say when a report with residual tumour (R2) was signed

STATES: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),  # missing for an episode that is yet to be stored
    "anchor_on": pl.Date(),
    "state": pl.String(),  # a State
    "since_on": pl.Date(),
    "ended_on": pl.Date(),  # missing while it has not ended
    "because": pl.String(),
}
NEW_EPISODES: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "intensity": pl.String(),
    "because": pl.String(),
}
PATIENTS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "died_on": pl.Date(),
    "last_contact_on": pl.Date(),
    "second_primary_on": pl.Date(),  # the first one: the models do not speak of this patient any more
    "no_contact_from": pl.Date(),  # consent to be contacted was withdrawn
    "leaves_registry_from": pl.Date(),  # consent to be in the registry was withdrawn
}
EFFECTS: dict[str, pl.DataType] = EVENTS | {
    "anchor_on": pl.Date(),  # of the episode that the event belongs to
    "is_change": pl.Boolean(),  # whether the state of an episode changed
    "effect": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class EpisodeStates:
    """What follows from the events, each worked out when it is asked for.

    `stretches` are the episodes with those that a treatment begins, `lines` the events on them (`event_lines`).
    """

    stretches: pl.DataFrame
    lines: pl.DataFrame
    died: pl.DataFrame  # patient_id, died_on

    @cached_property
    def states(self) -> pl.DataFrame:
        """The state of each episode (`STATES`), by patient and anchor."""
        return _states(self.stretches, self.lines, self.died)

    @cached_property
    def tasks(self) -> pl.DataFrame:
        """What is to be done (`TASKS`)."""
        return tasks_of(self.lines)

    @cached_property
    def new_episodes(self) -> pl.DataFrame:
        """The episodes to begin (`NEW_EPISODES`)."""
        return _new_episodes(self.stretches)

    @cached_property
    def patients(self) -> pl.DataFrame:
        """Facts about each patient (`PATIENTS`)."""
        return _patients(self.stretches, self.lines)

    @cached_property
    def effects(self) -> pl.DataFrame:
        """What each event did (`EFFECTS`), an event a row."""
        return _effects(self.lines)


def apply_events(
    episodes: pl.DataFrame, events: pl.DataFrame, *, as_of: date, known_at: datetime | None = None
) -> EpisodeStates:
    """What the events (`EVENTS`) true by a day and recorded by a moment, both inclusive, make of the `EPISODES`.

    Without `known_at`, everything recorded is known. Episodes anchored after the day are left out; those that were
    stored after the moment are the caller's to leave out. A death ends and outweighs what comes after it: that is
    kept, changes nothing and says so. Intrahepatic recurrence pauses; extrahepatic recurrence and treatment without
    curative intent hand over; treatment with it ends the episode and begins the next. A transfer ends when it is
    accepted. Losing sight of a patient ends nothing. Re-opening makes active what was paused, handed over or ended,
    but not a death: one recorded wrongly is taken out of the events. Raises `EventsNotUnderstood`.

    >>> from datetime import UTC
    >>> episodes = pl.DataFrame([(1, 7, date(2026, 1, 31))], schema=EPISODES, orient="row")
    >>> known = datetime(2026, 6, 1, tzinfo=UTC)
    >>> event = (7, "recurrence", date(2026, 5, 1), "intrahepatic", known)
    >>> events = pl.DataFrame([event], schema=EVENTS, orient="row")
    >>> found = apply_events(episodes, events, as_of=date(2026, 5, 1))
    >>> found.states.select("state", "because").row(0)
    ('paused', 'intrahepatic recurrence on 2026-05-01')
    >>> found.tasks.select("task", "due_on").row(0)
    ('treatment_decision', datetime.date(2026, 5, 31))
    """
    begun = _typed(episodes).filter(pl.col("anchor_on") <= as_of)
    happened = in_order(events, as_of=as_of, known_at=known_at)
    stretches = with_new_anchors(begun, happened)
    return EpisodeStates(stretches=stretches, lines=lines_of(stretches, happened), died=deaths(happened))


def _typed(episodes: pl.DataFrame) -> pl.DataFrame:
    """The episodes with `r2_on`, missing where nothing is said."""
    missing = [] if "r2_on" in episodes.columns else [pl.lit(None, dtype=pl.Date).alias("r2_on")]
    columns = EPISODES | {"r2_on": pl.Date()}
    return episodes.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in columns.items())


def _states(stretches: pl.DataFrame, lines: pl.DataFrame, died: pl.DataFrame) -> pl.DataFrame:
    """The state of each episode: what its last changing event left; ended where it was anchored after a death."""
    last = (
        lines.filter("is_change")
        .with_columns(because=in_words())
        .unique(ON_A_LINE, keep="last", maintain_order=True)
        .select(*ON_A_LINE, state="after", since_on="on", because="because")
    )
    too_late = pl.col("anchor_on") > pl.col("died_on")
    state = pl.when(too_late).then(pl.lit(State.ENDED.value)).otherwise(pl.col("state").fill_null(State.ACTIVE.value))
    since_on = pl.when(too_late).then("died_on").otherwise(pl.coalesce("since_on", "anchor_on"))
    death = pl.format("death on {}, before the episode began", "died_on")
    return (
        stretches.join(last, on=ON_A_LINE, how="left")
        .join(died, on="patient_id", how="left")
        .with_columns(state=state, since_on=since_on)
        .with_columns(
            ended_on=pl.when(pl.col("state") == State.ENDED.value).then("since_on"),
            because=pl.when(too_late).then(death).otherwise(pl.col("because").fill_null("under surveillance")),
        )
        .sort("patient_id", "anchor_on", "episode_id")
        .select(pl.col(name).cast(kind) for name, kind in STATES.items())
    )


def _new_episodes(stretches: pl.DataFrame) -> pl.DataFrame:
    """The episodes that a treatment begins and that are not stored yet, followed most closely: no model speaks."""
    event = pl.struct(event="begun_by", detail="treatment", on="anchor_on")
    unstored = stretches.filter(pl.col("episode_id").is_null())
    if unstored.is_empty():
        return pl.DataFrame(schema=NEW_EPISODES)
    begun = unstored.with_columns(event.alias("treated")).unnest("treated")
    return begun.with_columns(intensity=pl.lit(Intensity.INTENSIVE.value), because=in_words()).select(
        pl.col(name).cast(kind) for name, kind in NEW_EPISODES.items()
    )


def _patients(stretches: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Facts about each patient that no state holds; what comes after a death is no contact."""
    counted = lines.filter(pl.col("died_on").is_null())
    withdrawn = pl.col("event") == Event.CONSENT_WITHDRAWN.value
    facts = counted.group_by("patient_id").agg(
        died_on=_days(Event.DEATH).min(),
        last_contact_on=_days(*CONTACTS).max(),
        second_primary_on=_days(Event.SECOND_PRIMARY).min(),
        no_contact_from=pl.col("on").filter(withdrawn & (pl.col("detail") == "contact")).min(),
        leaves_registry_from=pl.col("on").filter(withdrawn & (pl.col("detail") == "registry")).min(),
    )
    patients = stretches.select("patient_id").unique().join(facts, on="patient_id", how="full", coalesce=True)
    return patients.sort("patient_id").select(pl.col(name).cast(kind) for name, kind in PATIENTS.items())


def _days(*events: Event) -> pl.Expr:
    return pl.col("on").filter(pl.col("event").is_in(list(map(str, events))))


def _effects(lines: pl.DataFrame) -> pl.DataFrame:
    """What each event did, in a sentence; the lines that are no event of their own are left out."""
    recorded = lines.filter(pl.col("event").is_in([event.value for event in Event]))
    return recorded.with_columns(effect=_effect()).select(pl.col(name).cast(kind) for name, kind in EFFECTS.items())


@cache
def _effect() -> pl.Expr:
    anchors = pl.col("event").is_in([event.value for event in ANCHORING])
    no_change = {
        Event.LAST_SEEN: "a contact",
        Event.LOST: "ends nothing: the patient is to be found",
        Event.TRANSFER: "ends nothing until the receiver accepts",
        Event.SECOND_PRIMARY: "flagged: the models do not speak of this patient any more",
        Event.ACKNOWLEDGED: "the treating team has taken over",
        Event.CONSENT_WITHDRAWN: "noted; the episode goes on",
    }
    words = {event.value: sentence for event, sentence in no_change.items()}
    otherwise = pl.format("changes nothing: already {}", "before")
    return (
        pl.when(pl.col("died_on").is_not_null())
        .then(pl.format("after the death on {}: kept, changes nothing", "died_on"))
        .when(pl.col("anchor_on").is_null())
        .then(pl.lit("before any episode of this patient: kept, changes nothing"))
        .when(pl.col("is_change"))
        .then(pl.format("{} → {}", "before", "after"))
        .when(anchors & (pl.col("on") == pl.col("anchor_on")))
        .then(pl.lit("the episode's own beginning"))
        .when(anchors)
        .then(pl.lit("ends the episode and begins the next"))
        .otherwise(pl.col("event").replace_strict(words, default=otherwise))
    )
