"""The 2,238 real examinations of 508 patients against the plans that they might have had."""

from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from scheduler.core.calendar import WorkingDays
from scheduler.core.matching import Matched, match
from scheduler.core.planning import ANCHORS, plan
from scheduler.core.verdicts import EPISODES, EXAMINATIONS, VISITS_NEEDED
from tests.core.protocol_documents import a_protocol

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "sysucc-visits"
AS_OF = date(2030, 1, 1)
PLANS = [("lee-2025", "standard"), ("risk-adapted", "standard"), ("risk-adapted", "intensive")]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the folder shared/data with the SYSUCC examinations is absent"
)


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", try_parse_dates=True)


@cache
def episodes() -> pl.DataFrame:
    """An episode per patient, until the death or the last contact; dates of death end it."""
    contacts = read("events").filter(pl.col("event").is_in(["death", "last_seen"]))
    known = contacts.group_by("mrn").agg(
        known_until=pl.col("on").max(), ended_on=pl.col("on").filter(pl.col("event") == "death").min()
    )
    numbered = read("registry").select("mrn", anchor_on="resected_on").with_row_index("episode_id")
    return numbered.with_columns(pl.col("episode_id").cast(pl.Int64)).join(known, on="mrn")


@cache
def examinations() -> pl.DataFrame:
    rows = read("examinations").join(episodes().select("mrn", "episode_id"), on="mrn").with_row_index("examination_id")
    final = rows.with_columns(result_status=pl.lit("final"))
    return final.select(pl.col(name).cast(kind) for name, kind in EXAMINATIONS.items())


def visits(protocol_id: str, intensity: str) -> pl.DataFrame:
    """Everybody's plan; what is due after the last day known of a patient is censored."""
    policy = {"intensity": pl.lit(intensity), "afterwards_months": pl.lit(6)}
    anchors = episodes().with_columns(**policy).select(pl.col(name).cast(kind) for name, kind in ANCHORS.items())
    planned = plan(anchors, a_protocol(protocol_id), working_days=WorkingDays()).with_row_index("visit_id")
    is_after = pl.col("due_on") > pl.col("known_until")
    status = pl.when(is_after).then(pl.lit("censored")).otherwise(pl.lit("open"))
    known = planned.join(episodes().select("episode_id", "known_until"), on="episode_id").with_columns(status=status)
    return known.select(pl.col(name).cast(kind) for name, kind in VISITS_NEEDED.items())


@cache
def the_match(protocol_id: str, intensity: str) -> Matched:
    return match(
        examinations(),
        visits(protocol_id, intensity),
        episodes=episodes().select(*EPISODES),
        protocol=a_protocol(protocol_id),
        as_of=AS_OF,
    )


def answered(found: Matched) -> Counter[str]:
    """How many visits were answered early, on time, late, and how many were not."""
    standing = found.visits.filter(pl.col("status") != "censored")
    verdict = pl.col("answers").list.first().struct.field("verdict")
    return Counter(standing.select(pl.coalesce(verdict, "status")).to_series())


@pytest.mark.parametrize(("protocol_id", "intensity"), PLANS)
def test_no_real_examination_is_lost(protocol_id: str, intensity: str) -> None:
    found = the_match(protocol_id, intensity)

    assert found.verdicts.height == 2238
    assert found.verdicts["examination_id"].is_unique().all()
    deciding = found.verdicts.filter(pl.col("verdict").is_in(["early", "satisfies", "late"]))
    assert deciding.height == found.visits.filter(pl.col("status") == "done").height


@pytest.mark.parametrize(("protocol_id", "intensity"), PLANS)
def test_examinations_after_a_death_count_for_nothing(protocol_id: str, intensity: str) -> None:
    ended = examinations().join(episodes(), on="episode_id").filter(pl.col("performed_on") > pl.col("ended_on"))

    found = the_match(protocol_id, intensity).verdicts.filter(pl.col("verdict") == "after_end")

    assert found.height == 36
    assert sorted(found["examination_id"]) == sorted(ended["examination_id"])


def test_the_verdicts_of_three_plans_are_these() -> None:
    counted = {names: Counter(the_match(*names).verdicts["verdict"]) for names in PLANS}

    shared = {"after_end": 36}
    assert counted == {
        PLANS[0]: {"satisfies": 870, "early": 564, "late": 334, "extra": 403, "before_start": 31} | shared,
        PLANS[1]: {"satisfies": 942, "early": 535, "late": 432, "extra": 261, "before_start": 32} | shared,
        PLANS[2]: {"satisfies": 1039, "early": 504, "late": 433, "extra": 194, "before_start": 32} | shared,
    }


def test_the_visits_of_three_plans_became_these() -> None:
    assert {names: answered(the_match(*names)) for names in PLANS} == {
        PLANS[0]: {"satisfies": 870, "early": 564, "late": 334, "missed": 3184, "open": 411},
        PLANS[1]: {"satisfies": 942, "early": 535, "late": 432, "missed": 2516, "open": 421},
        PLANS[2]: {"satisfies": 1039, "early": 504, "late": 433, "missed": 3125, "open": 432},
    }


def test_one_patient_worked_out_by_hand() -> None:
    """SYS0001, resected 2011-01-03: the second scan is 46 days after July's visit and 45 before October's."""
    episode = episodes().filter(pl.col("mrn") == "SYS0001")["episode_id"].item()

    found = the_match("lee-2025", "standard").verdicts.filter(pl.col("episode_id") == episode)

    assert found["reason"].to_list() == [
        "performed 2011-04-03, inside the window 2011-01-31 to 2011-04-17 of the visit due 2011-04-04",
        "performed 2011-08-19, before the window 2011-09-19 to 2011-10-17 of the visit due 2011-10-03",
    ]
