"""Who is asked to leave stops waiting, and remembers that it was asked."""

import signal

import pytest

from scheduler.jobs.leaving import Leaving


def test_a_signal_is_heard_once_it_is_listened_for_and_ends_every_wait() -> None:
    leaving = Leaving()

    with leaving.listening():
        before = leaving.is_asked()
        signal.raise_signal(signal.SIGTERM)
        leaving.pause(3600)
        leaving.pause(3600)

    assert (before, leaving.is_asked(), leaving.signal) == (False, True, signal.SIGTERM)
    assert leaving.wait() == signal.SIGTERM


def test_without_a_signal_a_pause_is_as_long_as_it_is_meant_to_be() -> None:
    leaving = Leaving()

    leaving.pause(0.001)

    assert not leaving.is_asked()


def test_afterwards_every_signal_does_what_it_did_before() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    with Leaving().listening(survives=(signal.SIGHUP,)):
        survived = signal.getsignal(signal.SIGHUP)

    assert survived is signal.SIG_IGN
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGTERM])
def test_a_terminal_that_closes_asks_once_however_often_it_says_so(first: signal.Signals) -> None:
    leaving = Leaving()

    with leaving.listening():
        signal.raise_signal(first)
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)

    assert (leaving.signal, leaving.wait()) == (first, first)


def test_who_was_started_by_nohup_survives_the_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    leaving = Leaving()

    try:
        with leaving.listening():
            signal.raise_signal(signal.SIGHUP)
        afterwards = signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert (leaving.is_asked(), afterwards) == (False, signal.SIG_IGN)
