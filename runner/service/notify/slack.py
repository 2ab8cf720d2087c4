# SPDX-License-Identifier: Apache-2.0
"""What Slack's incoming webhooks read, and Mattermost's, Rocket.Chat's and Discord's ``/slack`` ones.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.outbox.http import Request, json_request

if TYPE_CHECKING:
    from runner.service.notify.notice import Notice

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b"})
"""Slack's three; and nobody is called by the name of a branch where ``@all`` calls everybody."""


def slack_request(notice: Notice, *, url: str) -> Request:
    """Return the message; the address of such a webhook is a secret itself."""
    lines = [notice.headline, *notice.lines]
    text = "\n".join(line.translate(_MARKUP) for line in lines)
    if notice.url:
        text += f"\n<{notice.url}>"
    return json_request("POST", url, {"text": text}, headers={}, secrets=(url,))
