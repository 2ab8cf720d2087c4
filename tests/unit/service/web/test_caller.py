# SPDX-License-Identifier: Apache-2.0
"""Who calls: addresses behind proxies, and roles of tokens."""

from __future__ import annotations

import pytest
from litestar.testing import RequestFactory

from runner.service.config.model import SecretSource, Token
from runner.service.config.secrets import Secrets
from runner.service.web.caller import address_of, role_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", "", [], "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", [], "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", ["127.0.0.1"], "198.51.100.7"),
        ("::ffff:127.0.0.1", "198.51.100.7", ["127.0.0.1"], "198.51.100.7"),
        ("127.0.0.1", "10.9.9.9, 198.51.100.7", ["127.0.0.1"], "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7, 10.0.0.2", ["127.0.0.1", "10.0.0.0/8"], "198.51.100.7"),
        ("127.0.0.1", "nonsense", ["127.0.0.1"], "nonsense"),
        ("127.0.0.1", "", ["127.0.0.1"], "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, trusted: list[str], address: str) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers)
    request.scope["client"] = (peer, 1234)
    assert address_of(request, trusted) == address


def test_a_token_gives_its_role_and_the_highest_counts() -> None:
    sources = {name: SecretSource(env=name.upper()) for name in ("one", "two", "gone")}
    secrets = Secrets(sources, {"ONE": "first-token", "TWO": "second-token"})
    tokens = {
        "a": Token(secret="one", role="trigger"),
        "b": Token(secret="two", role="admin"),
        "c": Token(secret="gone", role="admin"),
        "d": Token(secret="two", role="read"),
    }
    assert role_of("first-token", tokens, secrets) == "trigger"
    assert role_of("second-token", tokens, secrets) == "admin"
    assert role_of("", tokens, secrets) is None
    assert role_of("first-toke", tokens, secrets) is None
