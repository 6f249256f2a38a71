"""`hepwatch audit`: is the record of who did what whole, and what is wrong with the registry?"""

import click

from scheduler.cli.options import csv_option, json_option, site_option


@click.group("audit")
def command() -> None:
    """Verify that the audit trail is whole; list findings about the registry, and overrides."""


@command.command("verify")
def verify() -> None:
    """Walk the chain of audit rows from the first to the last. Needs no key, changes nothing."""
    from scheduler import settings
    from scheduler.actions.verify_audit import verify_audit
    from scheduler.store.registry import Registry

    with Registry.open(settings.database_url(), with_key=False) as registry:
        rows = verify_audit(registry)
    click.echo(f"the audit trail is whole: {rows:,} rows, none changed, removed, moved or added")


@command.command("findings")
@site_option
@json_option
@csv_option
def findings(site: str | None, as_json: bool, as_csv: bool) -> None:
    """List what is wrong with the registry as of today. Changes nothing.

    Pathology unsigned at day 45, plans provisional for 60 days, visits in whose window nobody works, plans that run out
    within a year, and patients whose surgery is signed and for whom nothing is planned.
    """
    from scheduler import clock
    from scheduler.actions.worklist.list_findings import list_findings
    from scheduler.cli.registry import open_registry, rules_for
    from scheduler.cli.showing import echo_csv, echo_json, frame_table, say
    from scheduler.errors import counted

    with open_registry() as registry:
        rules = rules_for(registry)
        found = list_findings(registry, rules, today=clock.today(), site=site)
    headings = {"finding": "finding", "mrn": "mrn", "site": "site", "since_on": "since", "what": "what"}
    if as_json:
        echo_json(found.to_dicts())
    elif as_csv:
        echo_csv(found)
    elif found.is_empty():
        say("Nothing is wrong.")
    else:
        say(frame_table(found, headings), counted(found.height, "finding"))


@command.command("overrides")
@site_option
@json_option
@csv_option
def overrides(site: str | None, as_json: bool, as_csv: bool) -> None:
    """Count the decisions of clinicians against the plan, by kind, by whom, and whether they hold. Changes nothing."""
    from scheduler import clock
    from scheduler.actions.overrides.count_overrides import count_overrides
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_csv, echo_json, frame_table, say

    with open_registry() as registry:
        counted = count_overrides(registry, today=clock.today(), site=site)
    headings = {"site": "site", "kind": "kind", "recorded_by": "by", "state": "state", "overrides": "overrides"}
    if as_json:
        echo_json(counted.to_dicts())
    elif as_csv:
        echo_csv(counted)
    elif counted.is_empty():
        say("No plan was overridden.")
    else:
        say(frame_table(counted, headings), f"of {counted['patients_followed'][0]:,} patients who are followed")
