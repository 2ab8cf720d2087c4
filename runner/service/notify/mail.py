# SPDX-License-Identifier: Apache-2.0
"""E-mail over SMTP: in plain to a relay beside us, with TLS from the start, or with STARTTLS."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec

from runner.redact import Redactor
from runner.service.forges.report import one_line
from runner.service.outbox.errors import RefusedError, TryLaterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.notify.notice import Notice

_SECONDS = 30.0
_PORTS = {"smtp": 25, "smtps": 465}
_LONGEST_SUBJECT = 200
_LASTING = range(500, 600)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail goes, and who we are there."""

    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"


def mail_server(url: str, *, user: str, password: str) -> MailServer:
    """Read ``smtp://HOST:PORT``, ``smtps://…`` or ``smtp://…?starttls=true``.

    Raises:
        RefusedError: it is none of these, or would send the password in plain through a network.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedError("the address of the mail server is none") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise RefusedError(
            "the address of the mail server is none", hint="write smtp://HOST:PORT or smtps://HOST:PORT"
        )
    starttls = parse_qs(parts.query).get("starttls", ["false"])[-1] == "true"
    tls = parts.scheme == "smtps"
    if password and not (tls or starttls or parts.hostname in _LOCAL):
        raise RefusedError(
            "the password would go through the network in plain", hint="use smtps://, or add ?starttls=true"
        )
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=tls,
        starttls=starttls and not tls,
        user=user,
        password=password,
    )


def message_of(notice: Notice, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """Return the message; no text from outside can add a header to it.

    Raises:
        RefusedError: an address is none.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender)
    message["To"] = [_address(each) for each in to]
    message["Subject"] = one_line(f"[packhouse] {notice.headline}", _LONGEST_SUBJECT)
    message["Date"] = format_datetime(datetime.fromtimestamp(notice.ended_at, tz=UTC))
    message["Message-ID"] = f"<{notice.id}@packhouse.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join([notice.headline, "", *notice.lines, *filter(None, ["", notice.url])]) + "\n")
    return message


def send_mail(server: MailServer, message: EmailMessage) -> tuple[str, ...]:
    """Send, and return the addresses that the server did not take while it took others.

    Raises:
        TryLaterError: the server cannot be reached or refuses for now.
        RefusedError: it refuses for good.
    """
    redact = Redactor.of([server.password])
    try:
        with _connect(server) as connection:
            if server.starttls:
                connection.starttls(context=ssl.create_default_context())
            if server.user or server.password:
                connection.login(server.user, server.password)
            return tuple(connection.send_message(message))
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(
            server, max(code for code, _ in error.recipients.values()), "no recipient is taken"
        ) from None
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        said = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        raise _refusal(server, error.smtp_code, redact(one_line(said, _LONGEST_SUBJECT))) from None
    except smtplib.SMTPNotSupportedError as error:
        raise RefusedError(f"the mail server {server.host} cannot do this", reply=str(error)) from None
    except ssl.SSLCertVerificationError as error:
        raise TryLaterError(
            f"the certificate of the mail server {server.host} is not valid: {error.verify_message}",
            everything=True,
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TryLaterError(
            f"the mail server {server.host} cannot be reached: {redact(str(error))}", everything=True
        ) from None


def _connect(server: MailServer) -> smtplib.SMTP:
    if server.tls:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=_SECONDS)


def _refusal(server: MailServer, code: int, said: str) -> RefusedError | TryLaterError:
    what = f"the mail server {server.host} answered {code}"
    return RefusedError(what, status=code, reply=said) if code in _LASTING else TryLaterError(f"{what}: {said}")


def _address(text: str) -> Address:
    name, address = parseaddr(one_line(text, 320))
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError) as error:  # what email's parser raises, whatever it met
        raise RefusedError(f"{one_line(text, 80)!r} is no e-mail address") from error
