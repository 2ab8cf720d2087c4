# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import SourceError
from runner.sources.address import Address, parse, parse_submodule

HTTPS = frozenset({"https", "ssh"})


@pytest.mark.parametrize(
    ("source", "transport", "url"),
    [
        ("https://example.org/a/b.git", "https", "https://example.org/a/b.git"),
        ("HTTPS://example.org/a", "https", "https://example.org/a"),
        ("http://example.org:8080/a", "http", "http://example.org:8080/a"),
        ("https://user:pass@example.org/a", "https", "https://example.org/a"),
        ("https://token@example.org/a", "https", "https://example.org/a"),
        ("ssh://git@example.org:22/a", "ssh", "ssh://git@example.org:22/a"),
        ("git@example.org:a/b.git", "ssh", "git@example.org:a/b.git"),
        ("example.org:a/b.git", "ssh", "example.org:a/b.git"),
        ("git@[::1]:a", "ssh", "git@[::1]:a"),
        ("file:///srv/git/a", "file", "file:///srv/git/a"),
        ("file://localhost/srv/git/a", "file", "file:///srv/git/a"),
    ],
)
def test_urls(source: str, transport: str, url: str) -> None:
    address = parse(source)
    assert isinstance(address, Address)
    assert (address.transport, address.url) == (transport, url)


@pytest.mark.parametrize("source", [".", "/srv/desc", "examples/a", "./-odd", "./a:b", "a b", "ümlaut"])
def test_paths(source: str) -> None:
    assert parse(source) == Path(source)


def test_existing_path_wins_over_scp_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host:path").mkdir()
    assert parse("host:path") == Path("host:path")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("-uhttps://example.org", "start with '-'"),
        ("--upload-pack=touch /tmp/x", "start with '-'"),
        ("ext::sh -c touch% /tmp/x", "can run programs"),
        ("ext://sh", "not accepted"),
        ("fd::17/foo", "can run programs"),
        ("transport::address", "can run programs"),
        ("git://example.org/a", "neither encrypted nor authenticated"),
        ("ftp://example.org/a", "not accepted"),
        ("rsync://example.org/a", "not accepted"),
        ("https:///a", "no host"),
        ("https://-oProxyCommand=x/a", "no host"),
        ("ssh://-oProxyCommand=touch/a", "no host"),
        ("ssh://-lroot@example.org/a", "starts with '-'"),
        ("-oProxyCommand=x:a", "start with '-'"),
        ("git@example.org:-a", "starts with '-'"),
        ("ssh://git:hunter2@example.org/a", "takes no password"),
        ("git:hunter2@example.org:a", "takes no password"),
        ("https://example.org:port/a", "well-formed"),
        ("https://[::1/a", "well-formed"),
        ("https://example.org/a?token=hunter2", "query"),
        ("https://example.org/a#main", "query"),
        ("https://example.org/a\nb", "control characters"),
        ("file://other/a", "file:///path"),
        ("file://", "file:///path"),
    ],
)
def test_refused(source: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        parse(source)
    assert caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_login_is_unquoted_and_unseen() -> None:
    address = parse("https://al%40ice:p%3Aw%2Fd@example.org/a")
    assert isinstance(address, Address)
    assert address.login is not None
    assert (address.login.username, address.login.password) == ("al@ice", "p:w/d")
    assert "p:w/d" not in repr(address)
    assert address.origin == "https://example.org"


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://example.org/o/r.git", "../s.git", "https://example.org/o/s.git"),
        ("https://example.org/o/r/", "../../p/s", "https://example.org/p/s"),
        ("https://example.org/o/r", "./s", "https://example.org/o/r/s"),
        ("git@example.org:o/r.git", "../s.git", "git@example.org:o/s.git"),
        ("ssh://git@example.org/o/r", "../s", "ssh://git@example.org/o/s"),
    ],
)
def test_relative_submodules(parent: str, url: str, expected: str) -> None:
    outer = parse(parent)
    assert isinstance(outer, Address)
    inner = parse_submodule(url, parent=outer, transports=HTTPS)
    assert (inner.url, inner.transport) == (expected, outer.transport)


@pytest.mark.parametrize(
    "url",
    [
        "../../../x",
        "./a/../../../x",
        "/etc",
        "etc",
        "file:///etc",
        "http://example.org/a",
        "ext::sh -c id",
        "-uoops",
        "https://user:pw@example.org/a",
        "../s\nx",
    ],
)
def test_submodules_refused(url: str) -> None:
    with pytest.raises(SourceError):
        parse_submodule(url, parent=Address("https://example.org/o/r", "https"), transports=HTTPS)


def test_submodule_of_a_path() -> None:
    outer = Address("/srv/git/r", "file")
    allowed = frozenset({"file", "https"})
    assert parse_submodule("../s", parent=outer, transports=allowed) == Address("/srv/git/s", "file")
    assert parse_submodule("/srv/t", parent=outer, transports=allowed) == Address("/srv/t", "file")


@given(st.text(max_size=60))
def test_any_text_is_an_address_a_path_or_refused(source: str) -> None:
    try:
        address = parse(source)
    except SourceError:
        return
    if isinstance(address, Address):
        assert not address.url.startswith("-")


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=20).filter(
        lambda text: not set(text) & set("/?#@[]\\") and text.isalnum()
    )
)
def test_password_never_stays_in_the_url(password: str) -> None:
    address = parse(f"https://alice:{password}@example.org/repo")
    assert isinstance(address, Address)
    assert address.url == "https://example.org/repo"
    assert password not in repr(address)
