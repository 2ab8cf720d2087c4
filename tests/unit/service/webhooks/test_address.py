# SPDX-License-Identifier: Apache-2.0
"""Clone URLs that mean the same repository, and those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.webhooks.address import address_of, same_repository

URL = "https://forge.example/acme/images.git"


@pytest.mark.parametrize(
    "other",
    [
        "https://forge.example/acme/images",
        "https://forge.example/acme/images/",
        "https://user:pass@forge.example/acme/images.git",
        "https://FORGE.example:443/Acme/Images.git",
        "http://forge.example/acme/images.git",
        "ssh://git@forge.example/acme/images.git",
        "ssh://git@forge.example:22/acme/images",
        "git@forge.example:acme/images.git",
        "forge.example:acme/images",
        "https://forge.example./acme/images.git",
        "https://forge.example/acme/%69mages.git",
    ],
)
def test_the_same(other: str) -> None:
    assert same_repository(URL, other)
    assert same_repository(other, URL)


@pytest.mark.parametrize(
    "other",
    [
        "https://forge.example:8443/acme/images.git",
        "https://forge.example/acme/images2.git",
        "https://forge.example/acme/images.git/x",
        "https://forge.example/evil/acme/images.git",
        "https://forge.example@evil.example/acme/images.git",
        "https://evil.example/?https://forge.example/acme/images.git",
        "https://evil.example#forge.example/acme/images.git",
        "file:///forge.example/acme/images.git",
        "ext::sh -c forge.example/acme/images",
        "https://forge.example:port/acme/images.git",
        "https://[forge.example/acme/images.git",
        "javascript:alert(1)",
        "/forge.example/acme/images",
        "",
    ],
)
def test_another(other: str) -> None:
    assert not same_repository(URL, other)


def test_what_is_no_url_is_not_even_itself() -> None:
    for text in ("", "file:///srv/images", "images"):
        assert not same_repository(text, text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = address_of(text)
    assert address is None or address.host
