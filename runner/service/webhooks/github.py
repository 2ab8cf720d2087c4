# SPDX-License-Identifier: Apache-2.0
"""GitHub: ``X-Hub-Signature-256`` over the body. The older header with SHA-1 counts for nothing.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.webhooks.call import Call, Event, Hint, WebhookRefusedError
from runner.service.webhooks.payload import Push, read, unsigned_id
from runner.service.webhooks.signature import verify_hex

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = "X-Hub-Signature-256"
_SCHEME = "sha256="
_EVENTS: dict[str, Event] = {"push": "push", "ping": "ping"}


class GitHub:
    """A repository's or an organisation's webhook."""

    def verify(self, call: Call, secrets: Sequence[str], now: float) -> Hint:  # noqa: ARG002 - nothing signs the time
        signature = call.header(HEADER)
        if signature and not signature.startswith(_SCHEME):
            raise WebhookRefusedError("malformed", f"the header {HEADER} does not begin with {_SCHEME}")
        verify_hex(call.body, signature.removeprefix(_SCHEME), secrets, header=HEADER)
        delivery = call.delivery("X-GitHub-Delivery")
        event = _EVENTS.get(call.header("X-GitHub-Event"), "other")
        return read(call, event, Push).hint(event, delivery, unsigned_id(call, delivery))
