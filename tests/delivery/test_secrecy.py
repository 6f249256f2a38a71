"""Nothing of a URL, an address or a message is ever told: not in an outcome, an error, a log or a representation."""

import logging
from pathlib import Path

import pytest

from scheduler.delivery.channels import Channels
from scheduler.delivery.errors import ChannelsRefused
from tests.delivery.servers import MailFault, RecordingMailServer, RecordingWebServer, WebFault, free_port
from tests.delivery.ways import (
    KIM,
    a_channels_file,
    an_outgoing,
    channels_to,
    mail_url,
    patience_with,
    web_url,
    with_password,
)

SECRETS = ("hunter2", "kim", "T0KEN", "Dear", "clinic@example.org", "127.0.0.1")


def assert_nothing_told(*told: object) -> None:
    """None of the secrets stands in any of these."""
    assert [secret for secret in SECRETS for each in told if secret in str(each) or secret in repr(each)] == []


def a_secret_message(channels: Channels) -> object:
    """The outcome of sending it."""
    return channels.deliver("out", KIM, an_outgoing(subject="Dear", text="Dear"))


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that any logger passes on, at the finest level."""
    caplog.set_level(logging.NOTSET)
    for name in ("apprise", "urllib3", "urllib3.connectionpool", "requests"):
        caplog.set_level(1, name)
    return caplog


@pytest.mark.parametrize("fault", MailFault, ids=lambda fault: fault.name.lower())
def test_mail_tells_nothing(
    tmp_path: Path,
    fault: MailFault,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with RecordingMailServer(fault) as server:
        channels = channels_to(tmp_path, with_password(server.port), timeout_seconds=patience_with(fault))
        delivered = a_secret_message(channels)

    assert_nothing_told(delivered, channels, everything_logged.text, *capfd.readouterr())


@pytest.mark.parametrize("fault", sorted(WebFault), ids=lambda fault: fault.name.lower())
def test_the_web_tells_nothing(
    tmp_path: Path,
    fault: WebFault,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with RecordingWebServer(400, fault=fault) as server:
        url = web_url(server.port).replace("//", "//user:hunter2@").replace("/send/", "/send/T0KEN/")
        delivered = a_secret_message(channels_to(tmp_path, url, timeout_seconds=patience_with(fault)))

    assert_nothing_told(delivered, everything_logged.text, *capfd.readouterr())


def test_a_server_that_is_not_there_tells_nothing(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    delivered = [a_secret_message(channels_to(tmp_path, url(free_port()))) for url in (mail_url, web_url)]

    assert_nothing_told(delivered, everything_logged.text, *capfd.readouterr())


@pytest.mark.parametrize(
    "text",
    [
        "channels: {out: {url: 'nosuchthing://user:hunter2@127.0.0.1/T0KEN'}}",
        "channels: {out: 'mailto://user:hunter2@127.0.0.1/T0KEN'}",
        "channels: {'mailto://user:hunter2@127.0.0.1/T0KEN': {url: 'console:'}}",
        "channels: {out: {'mailto://user:hunter2@127.0.0.1/T0KEN': 1, url: 'console:'}}",
        "channels: {out: {url: *hunter2}}",
        "channels: {out: {url: @hunter2, per_minute: T0KEN}}",
        "channels: {out: {url: 'console:', per_minute: hunter2, attempts: T0KEN, timeout_seconds: hunter2}}",
        "'mailto://user:hunter2@127.0.0.1/T0KEN'",
        "[hunter2]",
    ],
    ids=["scheme", "no mapping", "name", "key", "alias", "sign", "types", "text", "list"],
)
def test_a_wrong_channels_file_tells_nothing(
    tmp_path: Path, text: str, everything_logged: pytest.LogCaptureFixture
) -> None:
    path = a_channels_file(tmp_path, text)

    with pytest.raises(ChannelsRefused) as refused:
        Channels.read(path)

    chain = (refused.value, refused.value.advice, refused.value.__cause__)
    assert_nothing_told(*chain, everything_logged.text)


def test_other_peoples_records_pass_as_before(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    a_secret_message(channels_to(tmp_path, mail_url(free_port())))

    logging.getLogger("urllib3.connectionpool").warning("a connection of somebody else")
    logging.getLogger("urllib3.connectionpool").debug("a detail that nobody asked for")

    assert caplog.messages == ["a connection of somebody else"]
