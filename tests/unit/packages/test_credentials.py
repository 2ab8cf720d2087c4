# SPDX-License-Identifier: Apache-2.0
"""Where a repository's login comes from, and that it shows nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import UsageError
from runner.packages.credentials import Credentials, Login, Written, split_login

if TYPE_CHECKING:
    from pathlib import Path

URI = "https://example.org/debian"


def test_the_environment_wins_over_the_description() -> None:
    env = {"PACKHOUSE_REPOSITORY_MY_REPO_2_USERNAME": "u", "PACKHOUSE_REPOSITORY_MY_REPO_2_PASSWORD": "p"}
    entries = [Written("my-repo.2", URI, "described", "other"), Written("second", URI, "described", "other")]
    found = Credentials.of(env, entries)
    assert found.login_for("my-repo.2", URI) == Login("u", "p")
    assert found.login_for("second", URI) == Login("described", "other")
    assert found.login_for("renamed", URI) == Login("described", "other")
    assert found.login_for("second", "https://other.example.org/debian") is None


def test_the_environment_completes_what_the_description_begins() -> None:
    found = Credentials.of({"PACKHOUSE_REPOSITORY_A_PASSWORD": "p"}, [Written("a", URI, "name")])
    assert found.login_for("a", URI) == Login("name", "p")


def test_a_login_in_an_address_is_used_and_decoded() -> None:
    address = "https://us%40er:p%2Fw@example.org/debian"
    assert split_login(address) == (URI, Login("us@er", "p/w"))
    unnamed = Credentials.of({}, [Written("", address)])
    assert unnamed.login_for("0123456789abcdef", URI) == Login("us@er", "p/w")
    assert Credentials().login_for("a", "mirror://debian", address) == Login("us@er", "p/w")


@pytest.mark.parametrize(
    "text", ["username = u\npassword=p:w \n", "# zypper\nusername=u\npassword=p:w", "u:p:w\nmore"]
)
def test_a_secret_file_has_either_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    found = Credentials({"PACKHOUSE_REPOSITORY_A_CREDENTIALS_FILE": str(tmp_path / "secret")})
    assert found.login_for("a", URI) == Login("u", "p:w")


@pytest.mark.parametrize("content", [None, b"", b"canary", b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_used_is_named_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="PACKHOUSE_REPOSITORY_A_CREDENTIALS_FILE") as caught:
        Credentials({"PACKHOUSE_REPOSITORY_A_CREDENTIALS_FILE": str(path)}).login_for("a", URI)
    assert str(path) in str(caught.value)
    assert "canary" not in str(caught.value)


def test_no_login_shows_in_a_repr_or_passes_the_redactor() -> None:
    found = Credentials.of({"PACKHOUSE_REPOSITORY_A_PASSWORD": "canary-1"}, [Written("b", URI, "u", "canary-2")])
    assert "canary" not in repr(found) + repr(found.login_for("b", URI)) + repr(Written("b", URI, "u", "canary-2"))
    assert found.secrets == ("canary-1", "canary-2")


def test_the_redactor_knows_passwords_in_files_and_no_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("username=u\npassword=canary-3\n")
    env = {
        "PACKHOUSE_REPOSITORY_A_CREDENTIALS_FILE": str(tmp_path / "secret"),
        "PACKHOUSE_REPOSITORY_B_CREDENTIALS_FILE": str(tmp_path / "gone"),
    }
    assert Credentials(env).secrets == ("canary-3",)
