"""Which channel a message takes, how often it is tried, how long is waited, and when a channel is left alone."""

from pathlib import Path

import pytest

from scheduler.delivery.channels import Channels
from scheduler.delivery.outcome import Delivered, Outcome
from tests.delivery.servers import MailFault, RecordingMailServer, RecordingWebServer, free_port
from tests.delivery.ways import (
    KIM,
    HandMadeClock,
    a_channels_file,
    an_outgoing,
    channels_to,
    mail_url,
    patience_with,
    web_url,
    with_password,
)

DOWN = "the channel failed for several messages in a row and counts as down; this one was not tried"


def test_with_no_file_every_channel_is_standard_output_and_no_address_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    channels = Channels.read(None)

    delivered = channels.deliver("email", KIM, an_outgoing(text="다음 방문\n下次随访"))

    assert delivered == Delivered(outcome=Outcome.SENT, why="written to standard output", attempts=1)
    assert (channels.are_configured, channels.has("email")) == (False, True)
    assert capsys.readouterr().out == "--- r-1\nSubject: Visit due\n\n다음 방문\n下次随访\n---\n"


def test_a_channel_that_the_file_lacks_may_be_there_the_next_time(tmp_path: Path) -> None:
    channels = channels_to(tmp_path, "console:")

    delivered = channels.deliver("sms", KIM, an_outgoing())

    assert delivered == Delivered(outcome=Outcome.UNREACHED, why="no channel sms is configured", attempts=0)
    assert channels.names == ("console", "out")
    assert [channels.has(name) for name in ("console", "out", "sms")] == [True, True, False]


def test_the_console_is_there_whatever_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delivered = channels_to(tmp_path, mail_url(free_port())).deliver("console", "", an_outgoing())

    assert delivered.outcome is Outcome.SENT
    assert "To:" not in capsys.readouterr().out


def test_what_certainly_did_not_arrive_is_tried_again_with_doubling_waits(tmp_path: Path) -> None:
    clock = HandMadeClock()

    with RecordingMailServer(MailFault.GREYLISTS) as server:
        channels = channels_to(tmp_path, mail_url(server.port), clock=clock, attempts=4)
        delivered = channels.deliver("out", KIM, an_outgoing(), wait=clock.wait)

    assert (delivered.outcome, delivered.attempts) == (Outcome.UNREACHED, 4)
    assert server.connections == 4
    assert [0.5 * most <= wait <= most for wait, most in zip(clock.waits, (1, 2, 4), strict=True)] == [True] * 3


def test_a_server_that_comes_back_gets_the_message_once(tmp_path: Path) -> None:
    with RecordingMailServer(MailFault.REFUSES_DATA) as server:
        channels = channels_to(tmp_path, mail_url(server.port), attempts=3)

        def come_back(_: float) -> None:
            server.fault = MailFault.NONE

        delivered = channels.deliver("out", KIM, an_outgoing(), wait=come_back)

    assert delivered == Delivered(outcome=Outcome.SENT, why="accepted", attempts=2)
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    "fault",
    [
        MailFault.DROPS_AFTER_CONTENT,
        MailFault.DROPS_WITHIN_CONTENT,
        MailFault.HANGS_AFTER_CONTENT,
        MailFault.REFUSES_RECIPIENT,
        MailFault.REFUSES_LOGIN,
    ],
    ids=lambda fault: fault.name.lower(),
)
def test_what_may_have_arrived_or_is_pointless_is_never_tried_again(tmp_path: Path, fault: MailFault) -> None:
    with RecordingMailServer(fault) as server:
        url, seconds = with_password(server.port), patience_with(fault)
        delivered = channels_to(tmp_path, url, attempts=5, timeout_seconds=seconds).deliver("out", KIM, an_outgoing())

    assert (delivered.attempts, server.connections) == (1, 1)


def test_whoever_stops_waits_for_no_further_try(tmp_path: Path) -> None:
    clock, asked = HandMadeClock(), iter([False, False, True])

    with RecordingMailServer(MailFault.GREYLISTS) as server:
        channels = channels_to(tmp_path, mail_url(server.port), clock=clock, attempts=5)
        delivered = channels.deliver("out", KIM, an_outgoing(), wait=clock.wait, stopping=lambda: next(asked, True))

    assert (delivered.outcome, delivered.attempts) == (Outcome.UNREACHED, 1)
    assert server.connections == 1


def test_nothing_is_tried_once_the_service_stops(tmp_path: Path) -> None:
    with RecordingMailServer() as server:
        delivered = channels_to(tmp_path, mail_url(server.port)).deliver(
            "out", KIM, an_outgoing(), stopping=lambda: True
        )

    assert delivered == Delivered(outcome=Outcome.UNREACHED, why="stopped before it was tried", attempts=0)
    assert server.connections == 0


def test_a_channel_goes_no_faster_than_it_may(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = HandMadeClock()
    channels = channels_to(tmp_path, "console:", clock=clock, per_minute=30)

    moments = []
    for number in range(4):
        channels.deliver("out", KIM, an_outgoing(number), wait=clock.wait)
        moments.append(clock.now - 1000.0)

    assert moments == [0.0, 2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(MailFault.DROPS_AFTER_CONTENT, Outcome.UNKNOWN), (MailFault.REFUSES_US, Outcome.UNREACHED)],
    ids=["unknown", "unreached"],
)
def test_after_three_failures_in_a_row_a_channel_is_left_alone(
    tmp_path: Path, fault: MailFault, outcome: Outcome
) -> None:
    with RecordingMailServer(fault) as server:
        channels = channels_to(tmp_path, mail_url(server.port))
        outcomes = [channels.deliver("out", KIM, an_outgoing(number)).outcome for number in range(3)]
        later = [channels.deliver("out", KIM, an_outgoing(number)) for number in range(3, 1000)]

    assert outcomes == [outcome] * 3
    assert set(later) == {Delivered(outcome=Outcome.UNREACHED, why=DOWN, attempts=0)}
    assert server.connections == 3


def test_a_password_that_is_wrong_leaves_the_channel_alone_and_refuses_nobody(tmp_path: Path) -> None:
    with RecordingWebServer(401) as server:
        channels = channels_to(tmp_path, web_url(server.port))
        delivered = [channels.deliver("out", KIM, an_outgoing(number)) for number in range(5)]

    assert [each.outcome for each in delivered] == [Outcome.UNREACHED] * 5
    assert len(server.requests) == 3


def test_recipients_who_are_refused_one_after_another_do_not_stop_the_channel(tmp_path: Path) -> None:
    with RecordingMailServer(MailFault.REFUSES_RECIPIENT) as server:
        channels = channels_to(tmp_path, mail_url(server.port))
        delivered = [channels.deliver("out", KIM, an_outgoing(number)) for number in range(5)]

    assert [each.outcome for each in delivered] == [Outcome.REFUSED] * 5


@pytest.mark.parametrize(
    ("after", "tried"), [(299.9, 3), (300.0, 4), (300.1, 4)], ids=["just before", "on", "just after"]
)
def test_after_the_cool_down_one_message_is_tried(tmp_path: Path, after: float, tried: int) -> None:
    clock = HandMadeClock()

    with RecordingMailServer(MailFault.REFUSES_US) as server:
        channels = channels_to(tmp_path, mail_url(server.port), clock=clock, cool_down_seconds=300)
        for number in range(3):
            channels.deliver("out", KIM, an_outgoing(number), wait=float)
        clock.now += after
        for number in range(3, 6):
            channels.deliver("out", KIM, an_outgoing(number), wait=float)

    assert server.connections == tried


def test_a_channel_that_is_well_again_after_the_cool_down_is_used_again(tmp_path: Path) -> None:
    clock = HandMadeClock()

    with RecordingMailServer(MailFault.REFUSES_US) as server:
        channels = channels_to(tmp_path, mail_url(server.port), clock=clock, cool_down_seconds=60)
        for number in range(4):
            channels.deliver("out", KIM, an_outgoing(number), wait=clock.wait)
        server.fault = MailFault.NONE
        clock.now += 60
        outcomes = [channels.deliver("out", KIM, an_outgoing(number), wait=clock.wait).outcome for number in (4, 5, 6)]

    assert outcomes == [Outcome.SENT] * 3


def test_one_channel_that_is_down_leaves_the_others_alone(tmp_path: Path) -> None:
    text = f"""
channels:
  broken: {{url: '{mail_url(free_port())}', attempts: 1, timeout_seconds: 0.3}}
  book: {{url: 'file:book.jsonl'}}
"""
    clock = HandMadeClock()
    channels = Channels.read(a_channels_file(tmp_path, text), clock=clock)

    for number in range(4):
        channels.deliver("broken", KIM, an_outgoing(number), wait=clock.wait)
    delivered = channels.deliver("book", KIM, an_outgoing())

    assert delivered.outcome is Outcome.SENT
