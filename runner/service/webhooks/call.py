# SPDX-License-Identifier: Apache-2.0
"""A forge's call as it arrives, what can be known from it, and why it may be refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from runner.errors import PackhouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BODY = 2 << 20
"""Bytes of a body; whoever reads one stops there. A push too large for it is found by polling."""

Event = Literal["push", "tag", "ping", "other"]
Reason = Literal[
    "too large",
    "unsigned",
    "repeated header",
    "malformed",
    "forged",
    "stale",
    "another repository",
    "too often",
]

STATUSES: dict[Reason, int] = {
    "too large": 413,
    "unsigned": 401,
    "repeated header": 400,
    "malformed": 400,
    "forged": 401,
    "stale": 401,
    "another repository": 403,
    "too often": 429,
}
"""What is answered over HTTP."""

_DELIVERY = re.compile(r"[A-Za-z0-9_.:-]{1,150}")


class WebhookRefusedError(PackhouseError):
    """A call is not believed; ``reason`` is one of a few words, for metrics and the answer's status."""

    kind = "webhook"

    def __init__(self, reason: Reason, what: str, *, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.reason = reason

    @property
    def status(self) -> int:
        return STATUSES[self.reason]


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What a call that was verified says.

    Attributes:
        urls: where the forge says its repository can be cloned from.
        ref: full name of what was pushed; empty for what is no push.
        delivery: the forge's name for this call, for logs.
        once: what a replay has in common with this call.
    """

    event: Event
    urls: tuple[str, ...] = ()
    ref: str = ""
    delivery: str
    once: tuple[str, ...]


class Call:
    """Headers and body as they came; ``headers`` are pairs of bytes, as ASGI has them."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        self._headers = headers
        self.body = body

    def header(self, name: str) -> str:
        """Return the value of a header, empty where there is none.

        Raises:
            WebhookRefusedError: it is there twice: which one counts is for nobody to choose.
        """
        wanted = name.lower().encode("ascii")
        values = [value for key, value in self._headers if key.lower() == wanted]
        if len(values) > 1:
            raise WebhookRefusedError("repeated header", f"the header {name} was sent {len(values)} times")
        return values[0].decode("latin-1").strip(" \t") if values else ""

    def delivery(self, *names: str) -> str:
        """Return the forge's name for this call, from the first of the headers that is there.

        Raises:
            WebhookRefusedError: there is none, or it is not one.
        """
        value = next(filter(None, map(self.header, names)), "")
        if not _DELIVERY.fullmatch(value):
            raise WebhookRefusedError("malformed", f"the header {names[0]} holds no delivery id")
        return value


class ForgeHooks(Protocol):
    """How one kind of forge calls."""

    def verify(self, call: Call, secrets: Sequence[str], now: float) -> Hint:
        """Verify the raw bytes against any of ``secrets``, and only then read them.

        Raises:
            WebhookRefusedError: with the reason.
        """
        ...
