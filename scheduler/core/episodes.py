"""What each event does to the episodes of a patient: rule 7 of the design.

Takes episodes and events; gives the state of every episode as of a day, what is to be done, and which episodes begin.
A state follows from the set of events alone, so the order in which they were recorded does not matter. It knows
neither visits of a plan nor what was decided before.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import polars as pl

from scheduler.core.episode_tasks import in_words, tasks_of
from scheduler.core.event_lines import ON_A_LINE, State, deaths, lines_of, with_new_anchors
from scheduler.core.events import ANCHORING, CONTACTS, EVENTS, Event, in_order
from scheduler.core.protocols import Intensity
from scheduler.core.visit_changes import KEY

CALLED_MISSED = "called missed by a person"  # the reason of a change that no end made

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
    """What follows from the events: states, tasks, episodes to begin, facts about patients, and each event's effect."""

    states: pl.DataFrame  # STATES, by patient and anchor
    tasks: pl.DataFrame  # TASKS
    new_episodes: pl.DataFrame  # NEW_EPISODES
    patients: pl.DataFrame  # PATIENTS
    effects: pl.DataFrame  # EFFECTS, an event a row


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
    lines = lines_of(stretches, happened)
    return EpisodeStates(
        states=_states(stretches, lines, deaths(happened)),
        tasks=tasks_of(lines),
        new_episodes=_new_episodes(stretches),
        patients=_patients(stretches, lines),
        effects=_effects(lines),
    )


def censor(visits: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The visits with those due after the end of their episode `censored`, those due up to and on the last day not.

    Needs `episode_id`, `due_on` and `status`, and `STATES`. What is answered or withdrawn stays so; nothing is missed
    after an end. A censored visit that is not due after one (any more: re-opened, or ended later than was thought) is
    open again.

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
