# SPDX-License-Identifier: Apache-2.0
"""The directory under check is not trusted, also while it is being read."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from runner.errors import VerificationError
from runner.release.sealed import SealedDirectory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "place"
    directory.mkdir()
    (directory / "file").write_bytes(b"12345")
    (tmp_path / "outside").write_bytes(b"12345")
    return directory


def test_reads_what_is_there(place: Path) -> None:
    with SealedDirectory.open(place) as sealed:
        assert sealed.names == {"file"}
        assert sealed.read("file", 5) == b"12345"
        assert sealed.digest("file", 5) == sha256(b"12345").hexdigest()


@pytest.mark.parametrize("name", ["../outside", "./file", "../place/file", "", ".", "..", "absent"])
def test_names_that_are_not_in_the_listing(place: Path, name: str) -> None:
    with SealedDirectory.open(place) as sealed, pytest.raises(VerificationError, match="refused"):
        sealed.read(name, 100)


def test_sizes(place: Path) -> None:
    with SealedDirectory.open(place) as sealed:
        with pytest.raises(VerificationError, match="larger than 4 bytes"):
            sealed.read("file", 4)
        with pytest.raises(VerificationError, match="5 bytes long, 6 expected"):
            sealed.digest("file", 6)


def test_a_file_swapped_for_a_link_while_reading(place: Path) -> None:
    with SealedDirectory.open(place) as sealed:
        (place / "file").unlink()
        (place / "file").symlink_to(place.parent / "outside")
        with pytest.raises(VerificationError, match="refused"):
            sealed.read("file", 100)


def test_a_file_swapped_for_a_fifo_does_not_hang(place: Path) -> None:
    with SealedDirectory.open(place) as sealed:
        (place / "file").unlink()
        os.mkfifo(place / "file")
        with pytest.raises(VerificationError, match="not a plain file"):
            sealed.read("file", 100)


def test_a_directory_swapped_while_reading_changes_nothing(place: Path) -> None:
    with SealedDirectory.open(place) as sealed:
        place.rename(place.parent / "moved")
        place.mkdir()
        (place / "file").write_bytes(b"other")
        assert sealed.read("file", 100) == b"12345"


def test_too_many_names(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.release.sealed._MOST_NAMES", 1)
    (place / "second").touch()
    with pytest.raises(VerificationError, match="too many files"), SealedDirectory.open(place):
        pass


def test_no_descriptor_leaks(place: Path) -> None:
    (place / "link").symlink_to("file")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for _ in range(3):
        with pytest.raises(VerificationError), SealedDirectory.open(place):
            pass
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - a count
