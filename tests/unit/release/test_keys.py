# SPDX-License-Identifier: Apache-2.0
"""Keys are written once, privately, and every wrong file has its own clear error."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from runner.errors import UsageError
from runner.release import keys

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct horse battery"


def test_generate_and_load(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    assert (pair.private, pair.public) == (tmp_path / "release", tmp_path / "release.pub")
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    public = keys.load_public(pair.public)
    assert public.keyid == pair.keyid
    signature = keys.load_private(pair.private).sign(b"x")
    assert public.verify(signature, b"x")
    assert not public.verify(signature, b"y")
    assert not public.verify(b"", b"x")


def test_two_keys_differ(tmp_path: Path) -> None:
    assert keys.generate(tmp_path / "a").keyid != keys.generate(tmp_path / "b").keyid


def test_passphrase(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release", SECRET)
    assert b"ENCRYPTED" in pair.private.read_bytes()
    assert keys.public_key_of(keys.load_private(pair.private, SECRET).public_key()).keyid == pair.keyid
    with pytest.raises(UsageError, match="needs its passphrase"):
        keys.load_private(pair.private)
    with pytest.raises(UsageError, match="passphrase is wrong") as caught:
        keys.load_private(pair.private, "not it at all")
    assert "not it at all" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_passphrase_for_a_plain_key(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    with pytest.raises(UsageError, match="not encrypted"):
        keys.load_private(pair.private, SECRET)


def test_an_empty_passphrase_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="empty"):
        keys.generate(tmp_path / "release", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", ["release", "release.pub"])
@pytest.mark.parametrize("link", [False, True])
def test_nothing_is_overwritten(tmp_path: Path, existing: str, *, link: bool) -> None:
    path = tmp_path / existing
    if link:
        path.symlink_to("dangling")
    else:
        path.write_text("precious")
    with pytest.raises(UsageError, match="not overwritten"):
        keys.generate(tmp_path / "release")
    assert [each.name for each in tmp_path.iterdir()] == [existing]
    assert link or path.read_text() == "precious"


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        keys.generate(tmp_path / "missing" / "release")


def test_not_ed25519(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ec").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "ec.pub").write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(UsageError, match="not an Ed25519 key"):
        keys.load_private(tmp_path / "ec")
    with pytest.raises(UsageError, match="not an Ed25519 public key"):
        keys.load_public(tmp_path / "ec.pub")


def test_the_halves_swapped(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    with pytest.raises(UsageError, match="this is a private key"):
        keys.load_public(pair.private)
    with pytest.raises(UsageError, match="not a private key"):
        keys.load_private(pair.public)


@pytest.mark.parametrize("data", [b"", b"junk", b"\xff\0", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_junk(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "junk").write_bytes(data)
    with pytest.raises(UsageError):
        keys.load_private(tmp_path / "junk")
    with pytest.raises(UsageError):
        keys.load_public(tmp_path / "junk")


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="private key cannot be read"):
        keys.load_private(tmp_path / "missing")
    with pytest.raises(UsageError, match="public key cannot be read"):
        keys.load_public(tmp_path)
