# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.release.origin import public_url, source_uri


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://forge.example/o/r", "https://forge.example/o/r"),
        ("https://user:pw@forge.example:8443/o/r.git", "https://forge.example:8443/o/r.git"),
        ("https://token@forge.example/o/r", "https://forge.example/o/r"),
        ("https://forge.example/o/r?private_token=x#y", "https://forge.example/o/r"),
        ("ssh://git@forge.example/o/r", "ssh://git@forge.example/o/r"),
        ("ssh://git:pw@forge.example/o/r", "ssh://forge.example/o/r"),
        ("git@forge.example:o/r.git", "ssh://git@forge.example/o/r.git"),
        ("file:///home/jane/images/tiny", "file:tiny"),
        ("/home/jane/images/tiny", "file:tiny"),
        ("/home/jane/my images/", "file:my%20images"),
        ("../tiny", "file:tiny"),
        ("tiny", "file:tiny"),
        ("caf\udcff", "file:caf%FF"),
        (".", "file:local"),
        ("/", "file:local"),
        ("./with:colon", "file:with%3Acolon"),
        ("mirror://debian", "mirror://debian"),
        ("https://a b/c d", "https://a%20b/c%20d"),
        ("http://[", "http://unknown"),
    ],
)
def test_public_url(url: str, public: str) -> None:
    assert public_url(url) == public


def test_source_uri() -> None:
    assert source_uri("https://f/r", "refs/heads/a b", git=True) == "git+https://f/r@refs/heads/a%20b"
    assert source_uri("https://f/r", None, git=True) == "git+https://f/r"
    assert source_uri("file:tiny", None, git=False) == "file:tiny"


@given(st.sampled_from(["", "x:", "http://", "file:", "a@b:", "http://["]), st.text(min_size=1, max_size=40))
def test_any_text_gives_a_uri(start: str, text: str) -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f]+", public_url(start + text))


@given(st.from_regex(r"[A-Za-z0-9]{8,20}", fullmatch=True), st.sampled_from(["http", "https", "ssh", "ftp"]))
def test_passwords_never_stay(password: str, scheme: str) -> None:
    public = public_url(f"{scheme}://me:{password}zz@h/r?t={password}zz#{password}zz")
    assert password + "zz" not in public
