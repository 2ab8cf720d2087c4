# SPDX-License-Identifier: Apache-2.0
"""Secrets come when asked for, say which is missing, and never show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.redact import MASK
from runner.service.config.model import SecretSource
from runner.service.config.secrets import SecretError, Secrets

if TYPE_CHECKING:
    from pathlib import Path

KEY = "-----BEGIN PRIVATE KEY-----\nCANARYCANARYCANARY\nshort\n-----END PRIVATE KEY-----"


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "file").write_text("from file\n")
    (tmp_path / "credential").write_text(KEY)
    sources = {
        "env": SecretSource(env="VARIABLE"),
        "file": SecretSource(file=str(tmp_path / "file")),
        "credential": SecretSource(credential="credential"),
    }
    return Secrets(sources, {"VARIABLE": "from env", "CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_each_source(secrets: Secrets) -> None:
    assert [secrets.value(name) for name in secrets.sources] == ["from env", "from file", KEY]
    assert secrets.environment({"A": "env", "B": "file"}) == {"A": "from env", "B": "from file"}
    assert secrets.unavailable() == []


@pytest.mark.parametrize(
    ("content", "value"), [("x\r\n", "x"), ("x\n\n", "x\n"), (" x ", " x "), ("a\nb", "a\nb"), ("ü", "ü")]
)
def test_one_line_end_does_not_count(secrets: Secrets, tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "file").write_bytes(content.encode())
    assert secrets.value("file") == value


def test_a_changed_file_counts_at_once(secrets: Secrets, tmp_path: Path) -> None:
    secrets.value("file")
    (tmp_path / "file").write_text("another")
    assert secrets.value("file") == "another"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"CANARY\0", b"CANARY\xff", b"CANARY" * 200_000],
    ids=str.split("empty line nul latin large"),
)
def test_what_is_no_secret(secrets: Secrets, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SecretError, match="the secret 'file' cannot be had") as caught:
        secrets.value("file")
    assert caught.value.name == "file"
    assert caught.value.exit_code == 9
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_not_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    sources = {
        "env": SecretSource(env="GONE"),
        "file": SecretSource(file=str(tmp_path / "gone")),
        "folder": SecretSource(file=str(tmp_path)),
        "pipe": SecretSource(file=str(tmp_path / "pipe")),
        "credential": SecretSource(credential="gone"),
    }
    secrets = Secrets(sources, {})
    assert [error.name for error in secrets.unavailable()] == [*sources]
    with pytest.raises(SecretError, match="does not declare it"):
        secrets.value("other")


def test_no_secret_is_shown(secrets: Secrets) -> None:
    redact = secrets.redactor()
    assert redact("a from env b from%20file c") == f"a {MASK} b {MASK} c"
    assert redact(f"key:\n{KEY}") == f"key:\n{MASK}"
    assert redact("a line CANARYCANARYCANARY of it, and short") == f"a line {MASK} of it, and short"
    assert "from env" not in repr(secrets)


def test_a_missing_secret_does_not_unmask_the_others(secrets: Secrets, tmp_path: Path) -> None:
    (tmp_path / "credential").unlink()
    assert secrets.redactor()("from file") == MASK
