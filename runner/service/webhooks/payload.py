# SPDX-License-Identifier: Apache-2.0
"""The few fields of a push that count. Read only after its signature was checked."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from runner.digest import sha256_bytes
from runner.service.webhooks.call import Call, Event, Hint, WebhookRefusedError

T = TypeVar("T")


class Places(msgspec.Struct, frozen=True):
    """Where a repository can be cloned from; GitHub, Gitea and Forgejo use the same names."""

    clone_url: str = ""
    ssh_url: str = ""
    git_url: str = ""
    html_url: str = ""


class Push(msgspec.Struct, frozen=True):
    """A push, or a ping without ``ref``."""

    ref: str = ""
    repository: Places = Places()

    def hint(self, event: Event, delivery: str, once: tuple[str, ...]) -> Hint:
        places = self.repository
        urls = (places.clone_url, places.ssh_url, places.git_url, places.html_url)
        return Hint(
            event="tag" if event == "push" and self.ref.startswith("refs/tags/") else event,
            urls=tuple(filter(None, urls)),
            ref=self.ref,
            delivery=delivery,
            once=once,
        )


def read(call: Call, event: Event, wanted: type[T]) -> T:
    """Read a body's JSON; nothing of it where the event does not matter.

    Raises:
        WebhookRefusedError: it is not JSON, or has other types than a forge writes.
    """
    if event == "other":
        return wanted()
    if call.header("content-type").lower().startswith("application/x-www-form-urlencoded"):
        raise WebhookRefusedError(
            "malformed",
            "the body is a form",
            hint="set the content type of the forge's webhook to application/json",
        )
    try:
        return msgspec.json.decode(call.body, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WebhookRefusedError("malformed", "the body is not the JSON of a push") from error


def unsigned_id(call: Call, delivery: str) -> tuple[str, ...]:
    """Return what a replay shares where the delivery id is not signed: it can be made up, the body cannot."""
    return (delivery, "sha256:" + sha256_bytes(call.body))
