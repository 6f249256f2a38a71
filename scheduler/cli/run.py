"""`hepwatch run`: the service, or one round of it for cron."""

from datetime import datetime, time
from typing import TYPE_CHECKING

import click

from scheduler import settings

if TYPE_CHECKING:
    from scheduler.jobs.keeping import Keeping

PORT = click.IntRange(0, 65535)
ONCE_TRIES = 8  # of a database that is away: about two minutes


class LocalTime(click.ParamType[time]):
    """A time of day on the command line: HH:MM."""

    name = "HH:MM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> time:
        """The time; wrong usage for anything else."""
        if isinstance(value, time):
            return value
        from scheduler.jobs.duty import LATEST

        try:
            read = datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 (a time of day, in each site's zone)
        except ValueError:
            self.fail(f"{value} is not a time of day; write HH:MM, such as 07:00", param, ctx)
        if read > LATEST:
            self.fail(
                f"{value} is too late: a day's work begins by {LATEST:%H:%M}, so that it ends in that day", param, ctx
            )
        return read


at_option = click.option(
    "--at", type=LocalTime(), default="07:00", show_default=True, help="When each site's day is done, by its own clock."
)


@click.command("run")
@at_option
@click.option("--port", type=PORT, help="The loopback port for /healthz and /metrics; 0: none. Otherwise as set.")
@click.option("--site", "sites", multiple=True, metavar="CODE", help="This site only; may be repeated.")
@click.option("--once", is_flag=True, help="One gap check and what is owed now, then leave: for cron.")
def command(at: time, port: int | None, sites: tuple[str, ...], once: bool) -> int:
    """Be the service: every day, at each site's local time, bring its plans up to the day and send what is owed.

    At start and every hour it looks for days that nobody accounted for, and does them: no day is lost when it was
    stopped, and none is done twice, however many instances run. It waits for a database that is away. /healthz also
    says whom no message can reach: by a channel that is named and not in the channels file, or at a site that named
    nobody. The log goes to stderr, without identities. SIGTERM: it finishes the message in hand and leaves. Exit status
    with --once: 7 where a day did not balance, or a site was put off.
    """
    from signal import SIGHUP

    from scheduler.jobs.leaving import Leaving
    from scheduler.jobs.service import serve, serve_once

    keeping = _keeping(at, sites, once=once)
    leaving = Leaving()
    with leaving.listening(survives=(SIGHUP,)):
        if once:
            return 0 if serve_once(keeping, leaving) else 7
        serve(keeping, leaving, port=_port(port))
    return 0


def _keeping(at: time, sites: tuple[str, ...], *, once: bool) -> "Keeping":
    """One instance, as the settings say; raises what is wrong with them."""
    from scheduler import clock
    from scheduler.actions.reminders.running import worker_name
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.delivery.channels import Channels
    from scheduler.jobs.heartbeat import check_heartbeat_url
    from scheduler.jobs.keeping import Keeping, Serving
    from scheduler.jobs.logs import log_to_stderr
    from scheduler.jobs.rounds import Rounds

    check_heartbeat_url(settings.heartbeat_url())
    worker = worker_name()
    rounds = Rounds(
        open_registry=open_registry,
        rules_of=rules_for,
        channels=Channels.read(settings.channels_file()),
        actor=actor(None),
        sites=sites,
    )
    serving = Serving(
        at=at,
        now=clock.now,
        worker=worker,
        told=log_to_stderr(worker=worker, now=clock.now),
        heartbeat_url=settings.heartbeat_url(),
        most_tries=ONCE_TRIES if once else None,
    )
    return Keeping(rounds, serving)


def _port(port: int | None) -> int:
    """The port of `--port`, or of the settings."""
    if port is not None:
        return port
    try:
        read: int = PORT(settings.monitor_port_text())
        return read
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="HEPWATCH_MONITOR_PORT") from error
