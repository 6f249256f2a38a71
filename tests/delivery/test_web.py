"""Messages by a real web address on this machine, which answers and fails as it is told."""

from pathlib import Path

import pytest

from scheduler.delivery.outcome import Delivered, Outcome
from tests.delivery.servers import RecordingWebServer, WebFault, free_port
from tests.delivery.ways import KIM, an_outgoing, channels_to, patience_with, web_url

ANSWERS = {
    200: Outcome.SENT,
    204: Outcome.SENT,
    302: Outcome.UNKNOWN,
    400: Outcome.REFUSED,
    401: Outcome.UNREACHED,
    404: Outcome.REFUSED,
    408: Outcome.UNKNOWN,
    429: Outcome.UNREACHED,
    500: Outcome.UNKNOWN,
    503: Outcome.UNKNOWN,
}


def test_a_message_in_korean_and_chinese_arrives_word_for_word(tmp_path: Path) -> None:
    subject, text = "진료 예약 안내", "안녕하세요.\n\n您好，请与诊所联系。"

    with RecordingWebServer() as server:
        delivered = channels_to(tmp_path, web_url(server.port)).deliver(
            "out", KIM, an_outgoing(subject=subject, text=text)
        )

    assert delivered == Delivered(outcome=Outcome.SENT, why="accepted", attempts=1)
    assert [(each.path, each.body["title"], each.body["message"]) for each in server.requests] == [
        (f"/send/{KIM}", subject, text)
    ]


@pytest.mark.parametrize("status", ANSWERS)
def test_an_answer_is_believed_only_where_it_is_certain(tmp_path: Path, status: int) -> None:
    with RecordingWebServer(status) as server:
        delivered = channels_to(tmp_path, web_url(server.port)).deliver("out", KIM, an_outgoing())

    assert (delivered.outcome, delivered.attempts) == (ANSWERS[status], 1)
    assert len(server.requests) == 1
    assert str(status) in delivered.why or delivered.outcome is Outcome.SENT


@pytest.mark.parametrize("fault", sorted(set(WebFault) - {WebFault.NONE}), ids=lambda fault: fault.name.lower())
def test_a_request_without_a_whole_answer_is_unknown(tmp_path: Path, fault: WebFault) -> None:
    with RecordingWebServer(fault=fault) as server:
        channels = channels_to(tmp_path, web_url(server.port), timeout_seconds=patience_with(fault))
        delivered = channels.deliver("out", KIM, an_outgoing())

    assert (delivered.outcome, delivered.attempts) == (Outcome.UNKNOWN, 1)
    assert delivered.why.startswith("the message was handed over, but no answer came")


def test_a_web_address_at_which_nobody_listens_is_unreached(tmp_path: Path) -> None:
    delivered = channels_to(tmp_path, web_url(free_port())).deliver("out", KIM, an_outgoing())

    assert delivered == Delivered(outcome=Outcome.UNREACHED, why="the server could not be reached", attempts=1)


def test_an_address_cannot_leave_its_place_in_the_url(tmp_path: Path) -> None:
    with RecordingWebServer() as server:
        channels_to(tmp_path, web_url(server.port)).deliver("out", "../admin?x=1&method=get#", an_outgoing())

    assert [each.path for each in server.requests] == ["/send/..%2Fadmin%3Fx=1&method=get%23"]
