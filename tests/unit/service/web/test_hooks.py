# SPDX-License-Identifier: Apache-2.0
"""Webhooks over HTTP: signed ones hasten, others are refused, and nothing of them comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.deliveries import push_body, signed_push
from tests.support.site import SECRET

if TYPE_CHECKING:
    from runner.service.serve import Runner
    from tests.unit.service.web.conftest import Client

URL = "https://git.example.org/servers.git"


def headers(body: bytes, secret: str = SECRET, **more: str) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in signed_push("github", secret, body)} | more


def test_a_signed_push_has_the_repository_looked_at(client: Client, runner: Runner) -> None:
    runner.watches.looking("servers", 600)
    body = push_body("github", URL)
    sent = headers(body)
    answer = client.post("/hooks/servers", content=body, headers=sent)
    assert (answer.status_code, answer.json()) == (202, {"answer": "accepted"})
    assert runner.watches.record("servers").due_at == 0.0
    runner.watches.looking("servers", 600)
    assert client.post("/hooks/servers", content=body, headers=sent).status_code == 202
    assert runner.watches.record("servers").due_at > 0, "a replay does nothing"
    assert 'packhouse_webhook_total{forge="github",verdict="hastened"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize("name", ["servers", "empty", "none", "<script>"])
def test_a_forged_push_is_refused_like_one_for_nobody(client: Client, name: str) -> None:
    body = push_body("github", URL)
    answer = client.post(f"/hooks/{name}", content=body, headers=headers(body, "another secret"))
    assert (answer.status_code, answer.json()) == (401, {"answer": "refused"})


def test_a_body_too_large_is_not_read_to_its_end(client: Client) -> None:
    body = b"x" * (3 << 20)
    assert client.post("/hooks/servers", content=body, headers=headers(body)).status_code == 413


def test_one_address_may_not_call_too_often(client: Client) -> None:
    codes = [client.post("/hooks/none").status_code for _ in range(60)]
    assert codes[-1] == 429
