# SPDX-License-Identifier: Apache-2.0
"""Send a notice the way that the configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from runner.service.notify.mail import mail_server, message_of, send_mail
from runner.service.notify.matrix import matrix_request
from runner.service.notify.slack import slack_request
from runner.service.notify.webhook import webhook_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.service.config.model import Notification
    from runner.service.notify.notice import Notice
    from runner.service.outbox.http import HttpSender

_LOG = structlog.get_logger()


def send_notice(
    sender: HttpSender, notice: Notice, to: Notification, *, secret: Callable[[str], str], now: float
) -> None:
    """Send ``notice``; ``secret`` returns the value of a secret by its name.

    Raises:
        TryLaterError: it may work later.
        RefusedError: it never will.
    """
    url = secret(to.url_secret) if to.url_secret else to.url
    token = secret(to.token) if to.token else ""
    if to.kind == "webhook":
        sender.send(webhook_request(notice, url=url, secret=token, now=now))
    elif to.kind == "slack":
        sender.send(slack_request(notice, url=url))
    elif to.kind == "matrix":
        for room in to.to:
            sender.send(matrix_request(notice, url=url, room=room, token=token))
    else:
        server = mail_server(url, user=to.user, password=token)
        left_out = send_mail(server, message_of(notice, sender=to.sender, to=to.to))
        if left_out:
            _LOG.warning("a mail server took a notice, but not for all", job=notice.job, addresses=left_out)
