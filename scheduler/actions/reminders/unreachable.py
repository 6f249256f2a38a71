"""Whom no message can reach, whatever is owed: channels that are named and not configured, sites that named nobody.

Without a channels file everything is written to standard output, and nobody is unreachable. What is found says itself,
in counts: no patient, no person and no address.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date

import polars as pl

from scheduler.actions.reminders.asking import SiteDay, people_of
from scheduler.actions.reminders.unreached import SiteWithoutRecipients, UnlistedChannel, Unreached
from scheduler.core.event_lines import deaths
from scheduler.core.reminders.consent import may_be_contacted
from scheduler.core.reminders.policy import ReminderPolicy, Role
from scheduler.delivery.channels import Channels
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

TOLD = {"site": pl.String(), "recipient": pl.String(), "channel": pl.String(), "unreachable": pl.Boolean()}


def unreachable(
    registry: Registry, policy: ReminderPolicy, channels: Channels, *, today: date, sites: Collection[str] = ()
) -> tuple[Unreached, ...]:
    """What keeps messages from leaving, at these sites or at all: first the channels, by name, then the sites.

    A channel counts by whoever would be told by it: patients who may be contacted today, and staff in their own role
    and in the place of roles in which nobody is named. Of a site without recipients it is told while it has patients
    whose surveillance has not ended.
    """
    if not channels.are_configured:
        return ()
    with registry.reading() as reading:
        ours = reading.sites().filter(pl.col("site").is_in(list(sites)) if sites else pl.lit(value=True))
        people = _people(reading, policy, ours, today)
        patients = _patients(reading, policy, channels, today).filter(pl.col("site").is_in(ours["site"].implode()))
        bare = _followed_at(reading, people.filter("unreachable")["site"].unique())
    named = {channel for _, channel in _pairs(policy)} | {*people["channel"].drop_nulls(), *patients["channel"]}
    return (
        *(_unlisted(name, policy, people, patients) for name in sorted(named) if not channels.has(name)),
        *(SiteWithoutRecipients(site=site, patients=count) for site, count in bare),
    )


def _pairs(policy: ReminderPolicy) -> list[tuple[str, str]]:
    """Each role that is told something, and by which channel."""
    return sorted({(to.role.value, to.channel) for rung in policy.rungs for to in rung.to})


def _people(reading: Reading, policy: ReminderPolicy, sites: pl.DataFrame, today: date) -> pl.DataFrame:
    """`site, recipient, channel, unreachable`: who is told at the sites, by each channel that is theirs."""
    told = pl.DataFrame(_pairs(policy), schema={"role": pl.String(), "channel": pl.String()}, orient="row")
    found = [pl.DataFrame(schema=TOLD)]
    for row in sites.select("site_id", "site", "time_zone").iter_rows(named=True):
        theirs = people_of(reading, policy, SiteDay(**row, on=today, has_channels=True))
        ways = theirs.join(told, on="role", how="left").with_columns(
            site=pl.lit(row["site"]), channel=pl.coalesce("own_channel", "channel")
        )
        found.append(ways.select(*TOLD))
    return pl.concat(found).unique()


def _patients(reading: Reading, policy: ReminderPolicy, channels: Channels, today: date) -> pl.DataFrame:
    """`patient_id, site, channel`: the patients who may be contacted, and only by channels that are not listed."""
    told = [channel for role, channel in _pairs(policy) if role == Role.PATIENT.value]
    contacts = reading.contacts_of()
    own = contacts.filter(pl.col("channel").is_not_null()).select("patient_id", "channel")
    others = contacts.filter(pl.col("channel").is_null()).select("patient_id")
    by_the_policy = others.join(pl.DataFrame({"channel": told}, schema={"channel": pl.String()}), how="cross")
    ways = pl.concat([own, by_the_policy]).filter(~pl.col("channel").is_in(channels.names))
    events = reading.events_of(ways["patient_id"].unique()).rename({"happened_on": "on"})
    dead = deaths(events).filter(pl.col("died_on") <= today)["patient_id"]
    allowed = may_be_contacted(ways.select("patient_id").unique(), contacts, events, as_of=today)
    living = allowed.filter(pl.col("why_not").is_null(), ~pl.col("patient_id").is_in(dead.implode()))
    sites = reading.patients(living["patient_id"]).select("patient_id", "site")
    return ways.join(sites, on="patient_id").select("patient_id", "site", "channel")


def _followed_at(reading: Reading, sites: pl.Series) -> Iterator[tuple[str, int]]:
    """The sites that have patients whose surveillance has not ended, by code, and how many."""
    if sites.is_empty():
        return iter(())
    patients = reading.patients().filter(pl.col("site").is_in(sites.implode()))
    newest = reading.episodes_of(patients["patient_id"]).group_by("patient_id", maintain_order=True).last()
    over = newest.filter(state="ended")["patient_id"]
    followed = patients.filter(~pl.col("patient_id").is_in(over.implode()))
    return iter(followed.group_by("site").len().sort("site").rows())


def _unlisted(name: str, policy: ReminderPolicy, people: pl.DataFrame, patients: pl.DataFrame) -> UnlistedChannel:
    rungs = sum(any(to.channel == name for to in rung.to) for rung in policy.rungs)
    by_it = people.filter(~pl.col("unreachable"), pl.col("channel") == name)
    recipients = Counter(by_it.sort("site")["site"].to_list())
    return UnlistedChannel(
        channel=name, rungs=rungs, recipients=dict(recipients), patients=patients.filter(channel=name).height
    )
