# SPDX-License-Identifier: Apache-2.0
"""Webhook calls as forges make them, signed by an implementation that is not ours where there is one."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from tests.support.forge import Kind

Headers = list[tuple[bytes, bytes]]

SIGNING_TOKEN = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def push_body(kind: Kind, url: str, *, ref: str = "refs/heads/main", **more: Any) -> bytes:
    """What a forge says about a push to the repository with the clone URL ``url``."""
    common = {"ref": ref, "before": "a" * 40, "after": "b" * 40, "commits": [{"id": "b" * 40}], **more}
    if kind == "gitlab":
        project = {"git_http_url": url, "git_ssh_url": "git@forge.example:acme/images.git", "id": 7}
        return json.dumps({"object_kind": "push", "project": project, **common}).encode()
    repository = {"clone_url": url, "ssh_url": "git@forge.example:acme/images.git", "html_url": url}
    return json.dumps({"repository": repository, **common}).encode()


def signed_push(
    kind: Kind, secret: str, body: bytes, *, delivery: str = "", event: str = "", now: float | None = None
) -> Headers:
    """The headers that go with ``body``; with a secret ``whsec_…`` GitLab signs, with another it sends that."""
    delivery = delivery or str(uuid.uuid4())
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    old_mac = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    if kind == "github":
        headers = {"X-Hub-Signature-256": f"sha256={mac}", "X-Hub-Signature": f"sha1={old_mac}"}
        headers |= {"X-GitHub-Delivery": delivery, "X-GitHub-Event": event or "push"}
    elif kind == "gitlab":
        headers = _gitlab(secret, body, delivery, datetime.now(tz=UTC).timestamp() if now is None else now)
        headers["X-Gitlab-Event"] = event or "Push Hook"
    else:
        names = ("Forgejo", "Gitea") if kind == "forgejo" else ("Gitea",)
        headers = {"X-Hub-Signature-256": f"sha256={mac}"}
        for name in names:
            headers |= {f"X-{name}-Signature": mac, f"X-{name}-Delivery": delivery}
            headers[f"X-{name}-Event"] = event or "push"
    headers["Content-Type"] = "application/json"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def replaced(headers: Headers, name: str, value: str | bytes | None) -> Headers:
    """The same headers with another value of one, or without it."""
    key = name.lower().encode()
    rest = [each for each in headers if each[0] != key]
    return (
        rest if value is None else [*rest, (key, value if isinstance(value, bytes) else value.encode("latin-1"))]
    )


def _gitlab(secret: str, body: bytes, delivery: str, now: float) -> dict[str, str]:
    common = {"Idempotency-Key": delivery, "X-Gitlab-Event-UUID": str(uuid.uuid4())}
    if not secret.startswith("whsec_"):
        return {"X-Gitlab-Token": secret, **common}
    moment = datetime.fromtimestamp(int(now), tz=UTC)
    signature = Webhook(secret).sign(delivery, moment, body.decode())
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": signature,
        **common,
    }
