# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server on loopback that keeps what it takes, in plain, with TLS or with STARTTLS."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from tests.support.certificates import Certificate

USER = "packhouse"
PASSWORD = "canary-Mail+word/5"


@dataclass
class Mailbox:
    """``refuse`` maps an address to the server's answer to it; ``reply`` is the answer to a message."""

    port: int = 0
    reply: str = "250 OK"
    refuse: dict[str, str] = field(default_factory=dict)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=default) for each in self.raw]

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.reply.startswith("250"):
            self.raw.append(envelope.content)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.reply


@contextmanager
def serve_mail(*, tls: Certificate | None = None, starttls: Certificate | None = None) -> Iterator[Mailbox]:
    """Serve on a free port of ``localhost``; with a certificate a login is asked for, too."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if tls or starttls:
        options = {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": starttls is not None}
    if starttls:
        options |= {"tls_context": _context(starttls), "require_starttls": True}
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=0, ssl_context=_context(tls) if tls else None, **options
    )
    controller.port = _free_port()
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def _free_port() -> int:
    import socket

    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])
