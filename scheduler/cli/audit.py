"""`hepwatch audit`: is the record of who did what whole?"""

import click


@click.group("audit")
def command() -> None:
    """Verify that the audit trail is whole."""


@command.command("verify")
def verify() -> None:
    """Walk the chain of audit rows from the first to the last. Needs no key, changes nothing."""
    from scheduler import settings
    from scheduler.actions.verify_audit import verify_audit
    from scheduler.store.registry import Registry

    with Registry.open(settings.database_url(), with_key=False) as registry:
        rows = verify_audit(registry)
    click.echo(f"the audit trail is whole: {rows:,} rows, none changed, removed, moved or added")
