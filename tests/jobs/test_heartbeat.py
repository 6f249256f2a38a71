"""After a balanced day an address outside is called; whatever it does, nothing stops and the address is not told."""

import socket

import pytest

from scheduler.jobs.heartbeat import HeartbeatUrlNotUnderstood, beat, check_heartbeat_url
from tests.jobs.addresses import SCHEME, an_address
from tests.jobs.ledger import Told


def test_the_address_is_called_with_the_sites_code_in_its_place() -> None:
    told = Told()

    with an_address() as address:
        beat(f"{address.url}/secret/{{site}}", site="seoul/1", told=told)

    assert address.asked.get_nowait() == "/secret/seoul%2F1"
    assert told.lines == [("heartbeat_sent", {"site": "seoul/1"})]


def test_an_error_of_the_other_side_is_told_without_the_address() -> None:
    told = Told()

    with an_address(status=500) as address:
        beat(f"{address.url}/secret", site="seoul", told=told)

    assert told.lines == [("heartbeat_failed", {"site": "seoul", "error": "HTTPError"})]


def test_an_address_where_nobody_listens_is_told() -> None:
    told = Told()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    beat(f"{SCHEME}://127.0.0.1:{port}/secret", site="seoul", told=told)

    assert told.lines == [("heartbeat_failed", {"site": "seoul", "error": "URLError"})]


def test_an_address_that_never_answers_holds_nobody_longer_than_the_timeout() -> None:
    told = Told()

    with an_address(hangs=True) as address:
        beat(f"{address.url}/secret", site="seoul", told=told, timeout_seconds=0.2)

    ((action, facts),) = told.lines
    assert (action, facts["error"]) == ("heartbeat_failed", "TimeoutError")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "hc-ping", f"{SCHEME}://", f"{SCHEME}://host:port/", "ftp:host"])
def test_what_is_no_address_of_http_is_refused_before_the_start(url: str) -> None:
    with pytest.raises(HeartbeatUrlNotUnderstood) as refused:
        check_heartbeat_url(url)

    assert url not in f"{refused.value.message} {refused.value.advice}"


def test_no_address_is_fine() -> None:
    check_heartbeat_url(None)
    check_heartbeat_url(f"{SCHEME}://127.0.0.1/{{site}}")
