"""`hepwatch init`: make the registry."""

import click


@click.command("init")
def command() -> None:
    """Make the registry, or bring an older one up to date. What is stored in it stays.

    HEPWATCH_DATABASE_URL says where; without it an SQLite file in your data folder, readable by you alone. Names, MRNs
    and birth dates are encrypted: keep the key file, and a copy of it elsewhere. Without the key nobody can read them.
    """
    from scheduler import settings
    from scheduler.store.registry import Registry

    with Registry.create(settings.database_url()) as registry:
        creation = registry.creation
        place = registry.place
    assert creation is not None
    if creation.made:
        click.echo(f"made the registry {place}")
    elif creation.upgraded_from:
        click.echo(f"brought the registry {place} up to date (it was at {creation.upgraded_from})")
    else:
        click.echo(f"the registry {place} is up to date")
    if creation.key_file:
        click.echo(
            f"made the key file {creation.key_file}, readable by you alone; "
            "keep a copy elsewhere: without it nobody can read names, MRNs or birth dates"
        )
