# SPDX-License-Identifier: Apache-2.0
"""Our JSON, signed in the form of Standard Webhooks where there is a secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from runner.service.outbox.http import Request
from runner.service.webhooks.signature import sign_standard

if TYPE_CHECKING:
    from runner.service.notify.notice import Notice


def webhook_request(notice: Notice, *, url: str, secret: str, now: float) -> Request:
    """Return the call; its id is the same on every attempt, its time ``now``."""
    moment = datetime.fromtimestamp(notice.ended_at, tz=UTC).isoformat().replace("+00:00", "Z")
    body = msgspec.json.encode({"type": f"job.{notice.occasion}", "timestamp": moment, "data": notice})
    headers = {"Content-Type": "application/json"}
    if secret:
        headers |= sign_standard(body, message_id=notice.id, seconds=int(now), secret=secret)
    return Request(method="POST", url=url, headers=headers, body=body, secrets=(url, secret))
