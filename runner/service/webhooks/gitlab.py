# SPDX-License-Identifier: Apache-2.0
"""GitLab: signed in the form of Standard Webhooks where its webhook has a signing token, else a token in plain.

A secret that begins with ``whsec_`` is a signing token and never counts as the plain one, nor the other way round.
https://docs.gitlab.com/user/project/integrations/webhooks/ and https://docs.gitlab.com/administration/system_hooks/
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import msgspec

from runner.service.webhooks.call import Call, Event, Hint, WebhookRefusedError
from runner.service.webhooks.payload import read, unsigned_id
from runner.service.webhooks.signature import STANDARD_PREFIX, verify_standard

if TYPE_CHECKING:
    from collections.abc import Sequence

_EVENTS: dict[str, Event] = {"Push Hook": "push", "Tag Push Hook": "tag"}
_SYSTEM = "System Hook"
_SYSTEM_EVENTS: dict[str, Event] = {"push": "push", "repository_update": "push", "tag_push": "tag"}


class _Project(msgspec.Struct, frozen=True):
    git_http_url: str = ""
    git_ssh_url: str = ""
    web_url: str = ""


class _Push(msgspec.Struct, frozen=True):
    ref: str = ""
    project: _Project = _Project()


class _SystemEvent(msgspec.Struct, frozen=True):
    event_name: str = ""


class GitLab:
    """A project's, a group's or the whole server's webhook."""

    def verify(self, call: Call, secrets: Sequence[str], now: float) -> Hint:
        if call.header("webhook-signature"):
            delivery = verify_standard(call, secrets, now)
            once: tuple[str, ...] = (delivery,)
        else:
            _check_token(call.header("X-Gitlab-Token"), secrets)
            delivery = call.delivery("Idempotency-Key", "X-Gitlab-Event-UUID")
            once = unsigned_id(call, delivery)
        event = _event(call)
        push = read(call, event, _Push)
        urls = (push.project.git_http_url, push.project.git_ssh_url, push.project.web_url)
        return Hint(
            event=event,
            urls=tuple(filter(None, urls)),
            ref=push.ref,
            delivery=delivery,
            once=once,
        )


def _event(call: Call) -> Event:
    """Return what is told of; a system hook's header is the same for all, and the body says which it is."""
    name = call.header("X-Gitlab-Event")
    if name != _SYSTEM:
        return _EVENTS.get(name, "other")
    return _SYSTEM_EVENTS.get(read(call, "push", _SystemEvent).event_name, "other")


def _check_token(token: str, secrets: Sequence[str]) -> None:
    plain = [secret for secret in secrets if secret and not secret.startswith(STANDARD_PREFIX)]
    if not token or not plain:
        raise WebhookRefusedError(
            "unsigned",
            "the call is not signed with a secret that is valid here",
            hint="give the forge's webhook a signing token, and Packhouse the same",
        )
    given = token.encode("latin-1", errors="replace")
    if not any([hmac.compare_digest(given, secret.encode()) for secret in plain]):  # noqa: C419 - compare with all
        raise WebhookRefusedError("forged", "the header X-Gitlab-Token is no secret of this repository")
