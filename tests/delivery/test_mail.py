"""Messages by a real mail server on this machine, which fails at every step at which one can."""

import ssl
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from scheduler.delivery.outcome import Delivered, Outcome
from tests.delivery.servers import MailFault, RecordingMailServer, free_port
from tests.delivery.ways import KIM, an_outgoing, channels_to, mail_url, patience_with, with_password

SILENCE = "the message was handed over, but no answer came"

FAULTS = {
    MailFault.REFUSES_US: (Outcome.UNREACHED, "the mail server did not let us send (554); nothing was handed over"),
    MailFault.HANGS_BEFORE_BANNER: (
        Outcome.UNREACHED,
        "the server took too long; nothing of the message was handed over",
    ),
    MailFault.TRICKLES_BANNER: (Outcome.UNREACHED, "the server took too long; nothing of the message was handed over"),
    MailFault.REFUSES_LOGIN: (Outcome.UNREACHED, "the mail server did not let us send (535); nothing was handed over"),
    MailFault.REFUSES_SENDER: (Outcome.UNREACHED, "the mail server did not let us send (550); nothing was handed over"),
    MailFault.REFUSES_RECIPIENT: (Outcome.REFUSED, "the mail server refused the recipient (550)"),
    MailFault.GREYLISTS: (Outcome.UNREACHED, "the mail server refused the recipient (451), for now"),
    MailFault.REFUSES_DATA: (Outcome.UNREACHED, "the mail server did not let us send (451); nothing was handed over"),
    MailFault.HANGS_AFTER_DATA: (Outcome.UNREACHED, "the server took too long; nothing of the message was handed over"),
    MailFault.DROPS_WITHIN_CONTENT: (Outcome.UNKNOWN, f"{SILENCE} that tells whether it was kept"),
    MailFault.REFUSES_CONTENT_FOR_GOOD: (Outcome.REFUSED, "the server did not take the message (554)"),
    MailFault.REFUSES_CONTENT_FOR_NOW: (
        Outcome.UNREACHED,
        "the server did not take the message (451); it may take it later",
    ),
    MailFault.BABBLES_AFTER_CONTENT: (Outcome.UNKNOWN, f"{SILENCE} that tells whether it was kept"),
    MailFault.HANGS_AFTER_CONTENT: (Outcome.UNKNOWN, f"{SILENCE} in time that tells whether it was kept"),
    MailFault.DROPS_AFTER_CONTENT: (Outcome.UNKNOWN, f"{SILENCE} that tells whether it was kept"),
    MailFault.HANGS_AFTER_QUIT: (Outcome.SENT, "accepted"),
}
KEPT = {
    MailFault.BABBLES_AFTER_CONTENT,
    MailFault.HANGS_AFTER_CONTENT,
    MailFault.DROPS_AFTER_CONTENT,
    MailFault.HANGS_AFTER_QUIT,
}


class Inbox:
    """What aiosmtpd, a mail server that others wrote, took."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], str, str]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keeps the message as a reader would see it."""
        message = BytesParser(policy=policy.default).parsebytes(envelope.original_content or b"")
        self.taken.append((list(envelope.rcpt_tos), str(message["subject"]), str(message.get_content())))
        return "250 OK"


def test_a_message_in_korean_and_chinese_arrives_word_for_word(tmp_path: Path) -> None:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    subject, text = (
        "진료 예약 안내 · 随访提醒",
        "안녕하세요.\n\n您好，请与诊所联系。\n.\n..two dots\nexample.org/?a=1&b=2 <b>",
    )

    try:
        channels = channels_to(tmp_path, mail_url(controller.port))
        delivered = channels.deliver("out", KIM, an_outgoing(subject=subject, text=text))
    finally:
        controller.stop()

    assert delivered == Delivered(outcome=Outcome.SENT, why="accepted", attempts=1)
    assert inbox.taken == [([KIM], subject, f"{text}\n".replace("\n", "\r\n"))]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.lower())
def test_what_a_failing_mail_server_leaves_is_told_as_far_as_it_is_certain(tmp_path: Path, fault: MailFault) -> None:
    outcome, why = FAULTS[fault]

    with RecordingMailServer(fault) as server:
        channels = channels_to(tmp_path, with_password(server.port), timeout_seconds=patience_with(fault))
        delivered = channels.deliver("out", KIM, an_outgoing())

    assert delivered == Delivered(outcome=outcome, why=why, attempts=1)
    assert [mail.recipient for mail in server.mails] == ([KIM] if fault in KEPT else [])


def test_every_fault_of_the_mail_server_is_tried() -> None:
    assert set(FAULTS) == set(MailFault) - {MailFault.NONE}


def test_a_mail_server_that_is_not_there_is_unreached(tmp_path: Path) -> None:
    delivered = channels_to(tmp_path, mail_url(free_port())).deliver("out", KIM, an_outgoing())

    assert delivered == Delivered(outcome=Outcome.UNREACHED, why="the server could not be reached", attempts=1)


def test_a_name_that_no_name_server_knows_is_unreached(tmp_path: Path) -> None:
    url = mail_url(25).replace("127.0.0.1", "no-such-host.invalid")

    delivered = channels_to(tmp_path, url).deliver("out", KIM, an_outgoing())

    assert delivered == Delivered(outcome=Outcome.UNREACHED, why="the server could not be reached", attempts=1)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("kim@example.org,lee@example.org", "the recipient's address is not one address"),
        ("x\r\nlee@example.org", "the recipient's address is not one address"),
        ("", "the recipient's address is not one address"),
        ("no address", "the recipient's address is not one address"),
        ("garbage", "the channel cannot use the recipient's address"),
        ("o'brien@example.org", "the channel cannot use the recipient's address"),
        ("환자@example.org", "the channel cannot use the recipient's address"),
    ],
    ids=[
        "two",
        "line break",
        "none",
        "blank",
        "no at sign",
        "of which apprise would make another",
        "letters that mail cannot carry",
    ],
)
def test_nothing_is_sent_to_what_is_no_address(tmp_path: Path, address: str, why: str) -> None:
    with RecordingMailServer() as server:
        delivered = channels_to(tmp_path, mail_url(server.port)).deliver("out", address, an_outgoing())

    assert delivered == Delivered(outcome=Outcome.REFUSED, why=why, attempts=1)
    assert server.mails == []


@pytest.mark.parametrize("address", ["Kim@Example.ORG", "kim+clinic@example.org", "k.i_m-%1@mail.example.org"])
def test_an_address_with_unusual_signs_is_reached_as_it_is(tmp_path: Path, address: str) -> None:
    with RecordingMailServer() as server:
        channels_to(tmp_path, mail_url(server.port)).deliver("out", address, an_outgoing())

    assert [mail.recipient for mail in server.mails] == [address]


def test_where_one_of_two_recipients_was_served_nothing_is_certain(tmp_path: Path) -> None:
    with RecordingMailServer() as server:

        def refuse_the_second(step: str) -> None:
            if step == "answered":
                server.fault = MailFault.REFUSES_RECIPIENT

        server.on_step = refuse_the_second
        url = mail_url(server.port).replace("{address}", "anna@example.org,berta@example.org")
        delivered = channels_to(tmp_path, url).deliver("out", KIM, an_outgoing())

    assert delivered.outcome is Outcome.UNKNOWN
    assert len(server.mails) == 1


def test_options_in_the_url_cannot_make_apprise_try_again_or_hide_a_failure(tmp_path: Path) -> None:
    with RecordingMailServer(MailFault.DROPS_AFTER_CONTENT) as server:
        url = f"{mail_url(server.port)}&retry=3&optional=yes&format=html"
        delivered = channels_to(tmp_path, url).deliver("out", KIM, an_outgoing())

    assert delivered.outcome is Outcome.UNKNOWN
    assert len(server.mails) == 1
    assert b"text/plain" in server.mails[0].raw


def test_a_url_without_an_address_sends_everything_to_one_place(tmp_path: Path) -> None:
    with RecordingMailServer() as server:
        channels = channels_to(tmp_path, mail_url(server.port).replace("{address}", "desk@example.org"))
        outcomes = [channels.deliver("out", each, an_outgoing()).outcome for each in (KIM, "")]

    assert outcomes == [Outcome.SENT, Outcome.SENT]
    assert [mail.recipient for mail in server.mails] == ["desk@example.org", "desk@example.org"]


def test_the_recording_server_tells_each_step_in_order(tmp_path: Path) -> None:
    steps: list[str] = []

    with RecordingMailServer(on_step=steps.append) as server:
        channels_to(tmp_path, mail_url(server.port)).deliver("out", KIM, an_outgoing())

    assert steps == ["connect", "mail", "rcpt", "data", "content", "answered"]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a mail server needs to encrypt; its certificate is signed by nobody but itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, end)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(secret + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize(
    ("fault", "verify", "outcome"),
    [
        (MailFault.NONE, "no", Outcome.SENT),
        (MailFault.NONE, "yes", Outcome.UNREACHED),
        (MailFault.DROPS_AFTER_CONTENT, "no", Outcome.UNKNOWN),
        (MailFault.HANGS_AFTER_CONTENT, "no", Outcome.UNKNOWN),
        (MailFault.HANGS_AFTER_DATA, "no", Outcome.UNREACHED),
        (MailFault.REFUSES_RECIPIENT, "no", Outcome.REFUSED),
    ],
    ids=["accepts", "with a certificate that nobody trusts", "drops", "hangs late", "hangs early", "refuses"],
)
def test_encryption_changes_nothing_in_what_is_certain(
    tmp_path: Path, tls: ssl.SSLContext, fault: MailFault, verify: str, outcome: Outcome
) -> None:
    with RecordingMailServer(fault, tls=tls) as server:
        url = with_password(server.port).replace("mailto:", "mailtos:").replace("insecure", f"starttls&verify={verify}")
        channels = channels_to(tmp_path, url, timeout_seconds=patience_with(fault))
        delivered = channels.deliver("out", KIM, an_outgoing())

    assert delivered.outcome is outcome
