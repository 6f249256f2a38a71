"""`hepwatch site`: the clinics that share a registry."""

import click

from scheduler.cli.options import by_option, json_option


@click.group("site")
def command() -> None:
    """List the sites and say in which country each is."""


@command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List every site with its country and time zone."""
    from scheduler.actions.describe_site import list_sites
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, frame_table, say

    with open_registry() as registry:
        sites = list_sites(registry)
    headings = {"site": "site", "title": "title", "country": "country", "subdivision": "part", "time_zone": "time zone"}
    if as_json:
        echo_json(sites.to_dicts())
    else:
        say(frame_table(sites, headings))


@command.command("set")
@click.argument("code")
@click.option("--title", help="What people call it.")
@click.option("--country", metavar="CODE", help="Its country (ISO code, such as KR): due days keep off its holidays.")
@click.option("--subdivision", metavar="CODE", help="Its state or province, for holidays of its own.")
@click.option("--time-zone", metavar="NAME", help="Its time zone, such as Asia/Seoul.")
@by_option
def set_command(
    code: str, title: str | None, country: str | None, subdivision: str | None, time_zone: str | None, by: str | None
) -> None:
    """Store a site, or change what is said of one. Plans made from now on keep off its holidays."""
    from scheduler.actions.describe_site import describe_site
    from scheduler.cli.registry import actor, open_registry

    with open_registry() as registry:
        describe_site(
            registry,
            code,
            title=title,
            country=country,
            subdivision=subdivision,
            time_zone=time_zone,
            actor=actor(by),
        )
    click.echo(f"stored site {code}")
