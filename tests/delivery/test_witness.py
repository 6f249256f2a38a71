"""What is watched, and what is not."""

import logging
import socket
import threading
from pathlib import Path

import pytest

from scheduler.delivery.by_apprise import is_seen_whole
from scheduler.delivery.outcome import Outcome
from scheduler.delivery.witness import Witness
from tests.delivery.servers import MailFault, RecordingMailServer, RecordingWebServer
from tests.delivery.ways import KIM, SHORT, an_outgoing, channels_to, mail_url, web_url


def test_what_other_threads_do_and_log_is_not_seen() -> None:
    witness = Witness(seconds=5)

    def somebody_else() -> None:
        logging.getLogger("apprise").warning("Notification service 'x' raised an exception.")
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()

    with witness.watching():
        thread = threading.Thread(target=somebody_else)
        thread.start()
        thread.join()

    assert (witness.seen.tried, witness.seen.crashed) == (False, False)


def test_threads_that_send_at_once_are_judged_apart(tmp_path: Path) -> None:
    faults = [MailFault.NONE, MailFault.REFUSES_RECIPIENT, MailFault.DROPS_AFTER_CONTENT, MailFault.REFUSES_US] * 3
    servers = [RecordingMailServer(fault) for fault in faults]
    outcomes: dict[int, Outcome] = {}

    def send(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        with servers[number] as server:
            channels = channels_to(folder, mail_url(server.port))
            outcomes[number] = channels.deliver("out", KIM, an_outgoing()).outcome

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(faults))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [Outcome.SENT, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNREACHED] * 3
    assert [outcomes[number] for number in range(len(faults))] == expected


def test_nothing_is_left_running_or_open_after_an_attempt(tmp_path: Path) -> None:
    before = threading.active_count()

    with RecordingMailServer(MailFault.TRICKLES_BANNER) as server:
        channels_to(tmp_path, mail_url(server.port), timeout_seconds=SHORT).deliver("out", KIM, an_outgoing())

    assert threading.active_count() == before


def test_a_step_that_comes_too_late_is_refused_and_so_certainly_not_taken() -> None:
    witness = Witness(seconds=0.0)

    with socket.create_server(("127.0.0.1", 0)) as server, witness.watching():
        while not witness.seen.out_of_time:
            threading.Event().wait(0.001)
        with pytest.raises(TimeoutError, match="took too long"):
            socket.create_connection(server.getsockname())

    assert witness.seen.hand_overs == []


def test_loggers_that_were_switched_off_are_heard_all_the_same(tmp_path: Path) -> None:
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        logging.getLogger(name).disabled = True
        logging.getLogger(name).setLevel(logging.CRITICAL)

    with RecordingWebServer(404) as server:
        delivered = channels_to(tmp_path, web_url(server.port)).deliver("out", KIM, an_outgoing())

    assert delivered.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("mailto://user:password@example.org", True),
        ("json://example.org", True),
        ("form://example.org", True),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", True),
        ("twilio://AC735c307c62944b5a:e29dfbcebf390dee9@12345678901/98765432101", True),
        ("matrix://user:password@example.org/#room", False),
        ("rsyslog://example.org", False),
        ("syslog://", False),
    ],
)
def test_only_what_goes_by_mail_or_by_requests_is_seen_whole(url: str, whole: bool) -> None:
    from apprise import Apprise

    assert is_seen_whole(Apprise.instantiate(url)) is whole
