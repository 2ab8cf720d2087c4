# SPDX-License-Identifier: Apache-2.0
"""Gitea and Forgejo: bare hexadecimal digits in a header of their own, over the body.

https://docs.gitea.com/usage/repository/webhooks and https://forgejo.org/docs/latest/user/webhooks/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.webhooks.payload import Push, read, unsigned_id
from runner.service.webhooks.signature import verify_hex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.webhooks.call import Call, Event, Hint


class Gitea:
    """A webhook of the kind "Gitea"; ``names`` are those in its headers, the one that counts first."""

    names: tuple[str, ...] = ("Gitea",)

    def verify(self, call: Call, secrets: Sequence[str], now: float) -> Hint:  # noqa: ARG002 - nothing signs the time
        headers = [f"X-{name}-Signature" for name in self.names]
        header = next((name for name in headers if call.header(name)), headers[0])
        verify_hex(call.body, call.header(header), secrets, header=header)
        delivery = call.delivery(*(f"X-{name}-Delivery" for name in self.names))
        name = next(filter(None, (call.header(f"X-{name}-Event") for name in self.names)), "")
        event: Event = "push" if name == "push" else "other"
        return read(call, event, Push).hint(event, delivery, unsigned_id(call, delivery))
