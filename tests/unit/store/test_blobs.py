# SPDX-License-Identifier: Apache-2.0
"""Blobs: only complete and correct ones appear, damaged ones go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.digest import sha256_bytes
from runner.errors import IntegrityError
from runner.store import BlobStore

if TYPE_CHECKING:
    from pathlib import Path


def store(folder: Path) -> BlobStore:
    return BlobStore(folder / "blobs", folder / "staging")


def leftovers(folder: Path) -> list[Path]:
    staging = folder / "staging"
    return list(staging.iterdir()) if staging.exists() else []


@given(chunks=st.lists(st.binary(max_size=50), max_size=5))
def test_what_is_added_is_there(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("store")
    data = b"".join(chunks)
    blobs, digest = store(folder), sha256_bytes(data)
    path = blobs.add(iter(chunks), sha256=digest, size=len(data), name="x")
    assert path.read_bytes() == data
    assert blobs.has(digest, len(data))
    assert blobs.verified(digest, name="x") == path


@pytest.mark.parametrize("sent", [b"", b"hell", b"hellO", b"hello!"])
def test_other_bytes_leave_nothing(tmp_path: Path, sent: bytes) -> None:
    blobs = store(tmp_path)
    with pytest.raises(IntegrityError, match="not the file that was locked"):
        blobs.add([sent], sha256=sha256_bytes(b"hello"), size=5, name="hello.deb")
    assert not blobs.has(sha256_bytes(b"hello"), 5)
    assert leftovers(tmp_path) == []


def test_a_source_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield b"he"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store(tmp_path).add(broken(), sha256=sha256_bytes(b"hello"), size=5, name="x")  # type: ignore[arg-type]
    assert leftovers(tmp_path) == []


def test_a_damaged_blob_is_told_and_removed(tmp_path: Path) -> None:
    blobs, digest = store(tmp_path), sha256_bytes(b"hello")
    path = blobs.add([b"hello"], sha256=digest, size=5, name="x")
    path.write_bytes(b"jello")
    with pytest.raises(IntegrityError, match=r"hello\.deb in the store is damaged"):
        blobs.verified(digest, name="hello.deb")
    assert not path.exists()


def test_a_blob_of_the_wrong_size_does_not_count(tmp_path: Path) -> None:
    blobs, digest = store(tmp_path), sha256_bytes(b"hello")
    blobs.add([b"hello"], sha256=digest, size=5, name="x").write_bytes(b"hell")
    assert not blobs.has(digest, 5)


@pytest.mark.parametrize("name", ["/etc/hostname", "../" * 8 + "etc/hostname", "", "A" * 64])
def test_what_is_no_digest_names_no_blob(tmp_path: Path, name: str) -> None:
    with pytest.raises(IntegrityError):
        store(tmp_path).path(name)
