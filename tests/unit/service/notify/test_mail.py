# SPDX-License-Identifier: Apache-2.0
"""E-mail, through a real SMTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.config.model import Notification
from runner.service.notify.mail import mail_server, message_of
from runner.service.notify.notice import notice_of
from runner.service.notify.send import send_notice
from runner.service.outbox.errors import RefusedError, TryLaterError
from runner.service.outbox.http import HttpSender
from tests.support.certificates import Certificate, make_certificate
from tests.support.jobs import FAILURE, REQUEST, job_in
from tests.support.mailbox import PASSWORD, USER, serve_mail

if TYPE_CHECKING:
    from pathlib import Path

    from runner.service.notify.notice import Notice

# Our server asks for logins over SMTPS too, which aiosmtpd cannot tell from plain SMTP.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
NOTICE = notice_of(job_in("failed"), "failure", "https://images.example")
TO = ("admins@example.org", "Zoë Ops <ops@example.org>")
SENDER = "Packhouse <packhouse@example.org>"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """One that our side trusts."""
    made = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


def send(url: str, *, login: bool = False, to: tuple[str, ...] = TO, password: str = PASSWORD) -> None:
    user, token = (USER, "mail") if login else ("", "")
    place = Notification(kind="email", url=url, user=user, token=token, to=to, sender=SENDER)
    with HttpSender() as sender:
        send_notice(sender, NOTICE, place, secret={"mail": password}.__getitem__, now=0)


def test_a_message_arrives() -> None:
    with serve_mail() as mailbox:
        send(f"smtp://127.0.0.1:{mailbox.port}")
    (message,) = mailbox.messages
    assert mailbox.recipients == [["admins@example.org", "ops@example.org"]]
    assert message["Subject"] == "[packhouse] images:server:a+b:oem:x86_64 failed on main"
    assert message["From"] == SENDER
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<0123456789abcdef-failure@packhouse.invalid>"
    assert message["Date"].datetime.isoformat() == "2001-09-09T01:46:40+00:00"
    text = message.get_content()
    assert "config.sh ended with exit code 1" in text
    assert "https://images.example/jobs/12" in text


def test_with_tls_from_the_start(certificate: Certificate) -> None:
    with serve_mail(tls=certificate) as mailbox:
        send(f"smtps://127.0.0.1:{mailbox.port}", login=True)
    assert len(mailbox.messages) == 1


def test_with_starttls(certificate: Certificate) -> None:
    with serve_mail(starttls=certificate) as mailbox:
        send(f"smtp://localhost:{mailbox.port}?starttls=true", login=True)
        assert len(mailbox.messages) == 1
        with pytest.raises(RefusedError):
            send(f"smtp://localhost:{mailbox.port}")


def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    with serve_mail() as mailbox, pytest.raises(RefusedError):
        send(f"smtp://localhost:{mailbox.port}?starttls=true", login=True)
    assert mailbox.messages == []


def test_a_certificate_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    trusted_by_nobody = make_certificate(tmp_path)
    with serve_mail(tls=trusted_by_nobody) as mailbox, pytest.raises(TryLaterError, match="certificate"):
        send(f"smtps://127.0.0.1:{mailbox.port}", login=True)
    assert mailbox.messages == []


def test_a_wrong_password_is_final_and_not_told(certificate: Certificate) -> None:
    with serve_mail(tls=certificate) as mailbox, pytest.raises(RefusedError, match="535") as caught:
        send(f"smtps://127.0.0.1:{mailbox.port}", login=True, password="canary-wrong-word")
    assert "canary" not in str(caught.value)


def test_no_password_goes_through_a_network_in_plain() -> None:
    with pytest.raises(RefusedError, match="plain"):
        mail_server("smtp://mail.example", user=USER, password=PASSWORD)
    assert mail_server("smtp://mail.example", user="", password="").port == 25
    assert mail_server("smtps://mail.example", user=USER, password=PASSWORD).port == 465
    assert PASSWORD not in repr(mail_server("smtps://mail.example", user=USER, password=PASSWORD))


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://[x"]
)
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        mail_server(url, user="", password="")


@pytest.mark.parametrize(("reply", "kind"), [("451 try later", TryLaterError), ("552 mailbox full", RefusedError)])
def test_the_server_says_whether_it_is_worth_another_try(reply: str, kind: type[Exception]) -> None:
    with serve_mail() as mailbox:
        mailbox.reply = reply
        with pytest.raises(kind, match=reply[:3]):
            send(f"smtp://127.0.0.1:{mailbox.port}")


def test_recipients_that_are_not_taken() -> None:
    with serve_mail() as mailbox:
        mailbox.refuse = {"admins@example.org": "550 no such user"}
        send(f"smtp://127.0.0.1:{mailbox.port}")
        assert mailbox.recipients == [["ops@example.org"]]
        with pytest.raises(RefusedError, match="550"):
            send(f"smtp://127.0.0.1:{mailbox.port}", to=("admins@example.org",))
        mailbox.refuse = {"admins@example.org": "450 greylisted"}
        with pytest.raises(TryLaterError, match="450"):
            send(f"smtp://127.0.0.1:{mailbox.port}", to=("admins@example.org",))


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with serve_mail() as mailbox:
        pass
    with pytest.raises(TryLaterError, match="cannot be reached"):
        send(f"smtp://127.0.0.1:{mailbox.port}")


def hostile_notice(text: str) -> Notice:
    request = msgspec.structs.replace(REQUEST, ref="refs/heads/" + text)
    error = msgspec.structs.replace(FAILURE, what=text, hint=text)
    return notice_of(job_in("failed", request=request, error=error), "failure", "")


HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"]


@given(st.text() | st.from_regex(r"[a-z]*(\r\n|\n|\r|\x0b|\u2028)(Bcc|\r\n|\.)[a-z:@ ]*", fullmatch=True))
def test_no_text_adds_a_header_or_ends_the_message(text: str) -> None:
    message = message_of(hostile_notice(text), sender=SENDER, to=TO)
    raw = message.as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert set(names) <= {*HEADERS, "Content-Type", "Content-Transfer-Encoding"}
    assert len(names) == len(set(names))


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "<>", "a b@c"])
def test_what_is_no_address_is_refused(address: str) -> None:
    try:
        message = message_of(NOTICE, sender=SENDER, to=(address,))
    except RefusedError:
        return
    assert "Bcc" not in message
    assert len(message["To"].addresses) == 1
