# SPDX-License-Identifier: Apache-2.0
"""From a forge's call to a hastened look at its repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from runner.service.database.tables import DELIVERIES
from runner.service.watch.memory import look_now
from runner.service.webhooks.address import same_repository
from runner.service.webhooks.call import MAX_BODY, Call, ForgeHooks, Hint, WebhookRefusedError
from runner.service.webhooks.forgejo import Forgejo
from runner.service.webhooks.gitea import Gitea
from runner.service.webhooks.github import GitHub
from runner.service.webhooks.gitlab import GitLab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.service.config.model import Forge

Verdict = Literal["hastened", "pong", "replayed", "ignored"]
"""What came of a call that was believed; all are answered alike, so that nobody learns from it."""

FORGES: Mapping[Forge, ForgeHooks] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea(),
    "forgejo": Forgejo(),
}
REMEMBERED = 7 * 86400.0
"""Seconds for which calls are told from replays."""


def verify(
    forge: Forge,
    *,
    url: str,
    secrets: Sequence[str],
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    now: float,
) -> Hint:
    """Verify a call of ``forge`` about the repository watched at ``url``; nothing is read or written elsewhere.

    ``headers`` are pairs of bytes as ASGI has them; ``secrets`` are the valid ones, two while one replaces the
    other; ``now`` is seconds since 1970.

    Raises:
        WebhookRefusedError: with the reason.
    """
    if len(body) > MAX_BODY:
        raise WebhookRefusedError("too large", f"the body is larger than {MAX_BODY} bytes")
    hint = FORGES[forge].verify(Call(headers, body), secrets, now)
    elsewhere = hint.urls or hint.event in ("push", "tag")  # an organisation's ping names no repository
    if elsewhere and not any(same_repository(url, found) for found in hint.urls):
        raise WebhookRefusedError(
            "another repository",
            "the call is about a repository with another clone URL",
            hint="check url in packhouse.yaml, and which webhook calls this address",
        )
    return hint


def receive(engine: sa.Engine, repository: str, hint: Hint, now: float) -> Verdict:
    """Note a verified call and have its repository looked at now, both or neither.

    A call with the delivery id or, where that is not signed, the body of one in the last seven days does nothing.
    """
    if hint.event == "other":
        return "ignored"
    try:
        with engine.begin() as connection:
            connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.received_at < now - REMEMBERED))
            rows = [{"repository": repository, "id": each, "received_at": now} for each in hint.once]
            connection.execute(sa.insert(DELIVERIES), rows)
            if hint.event == "ping":
                return "pong"
            look_now(connection, repository)
    except sa.exc.IntegrityError:
        return "replayed"
    return "hastened"
