"""Examinations of some patients held against their visits, each patient as of a day.

Between facts and the core: takes what is recorded and the rules; gives verdicts and what each visit's answers make of
it. Episodes are taken together as far as they follow one protocol.
"""

from datetime import date

import polars as pl

from scheduler.actions.plans.facts import Facts
from scheduler.actions.plans.rules import Rules
from scheduler.core.matching import MATCHED_VISITS, Matched, match
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.verdicts import VERDICTS
from scheduler.core.visit_endings import uncensored

LOOKED_AT: dict[str, pl.DataType] = {  # an episode as it is looked at, beside what stands in `episodes.STATES`
    "site": pl.String(),
    "today": pl.Date(),
    "protocol": pl.String(),  # the reference of the protocol that its plan follows
}


def looked_at(states: pl.DataFrame, facts: Facts, days: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The states of stored episodes (`episodes.STATES`) with `LOOKED_AT`."""
    protocols = facts.plans.select("episode_id", protocol=pl.format("{}@{}", "protocol_id", "protocol_version"))
    return (
        states.join(facts.episodes.select("episode_id", "site"), on="episode_id", maintain_order="left")
        .join(days, on="patient_id", maintain_order="left")
        .join(protocols, on="episode_id", how="left", maintain_order="left")
        .with_columns(pl.col("protocol").fill_null(rules.protocol.reference))
    )


def match_all(facts: Facts, episodes: pl.DataFrame, rules: Rules) -> Matched:
    """Every examination's verdict and every visit's standing as of each patient's day (`matching.match`).

    Whether a visit is missed is not for sure before the last of these days: ask the worklist.
    """
    parts = [Matched(verdicts=pl.DataFrame(schema=VERDICTS), visits=pl.DataFrame(schema=MATCHED_VISITS))]
    if facts.examinations.height or (facts.visits["status"] == "done").any():
        dated = facts.examinations.join(episodes.select("episode_id", "today"), on="episode_id", maintain_order="left")
        parts += [
            _match(dated, uncensored(facts.visits), some, rules.rulebook.protocol(str(reference)))
            for (reference,), some in episodes.group_by("protocol", maintain_order=True)
        ]
    return Matched(verdicts=pl.concat(part.verdicts for part in parts), visits=pl.concat(part.visits for part in parts))


def _match(
    examinations: pl.DataFrame, visits: pl.DataFrame, episodes: pl.DataFrame, protocol: SurveillanceProtocol
) -> Matched:
    """One protocol's episodes, each as of its own day."""
    is_one = pl.col("episode_id").is_in(episodes["episode_id"].implode())
    is_ahead = pl.col("performed_on") > pl.col("today")
    theirs, last_day = examinations.filter(is_one), episodes["today"].max()
    assert isinstance(last_day, date)
    matched = match(
        theirs.filter(~is_ahead), visits.filter(is_one), episodes=episodes, protocol=protocol, as_of=last_day
    )
    ahead = theirs.filter(is_ahead)
    if ahead.is_empty():
        return matched
    first_day = episodes["today"].min()
    assert isinstance(first_day, date)
    waiting = match(ahead, visits.clear(), episodes=episodes, protocol=protocol, as_of=first_day)
    return Matched(verdicts=pl.concat([matched.verdicts, waiting.verdicts]), visits=matched.visits)


def as_answered(visits: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """The visits, done where they were answered and open where they are no longer; what is gone stays so."""
    if matched.is_empty():
        return visits
    is_done = pl.col("done_on").is_not_null() & (pl.col("status") != "withdrawn")
    is_undone = (pl.col("status") == "done") & pl.col("done_on").is_null()
    status = pl.when(is_done).then(pl.lit("done")).when(is_undone).then(pl.lit("open")).otherwise("status")
    days = matched.select("visit_id", "done_on")
    answered = visits.join(days, on="visit_id", how="left", maintain_order="left")
    return answered.with_columns(status=status).drop("done_on")
