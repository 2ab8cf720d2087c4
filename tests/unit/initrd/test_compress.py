# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import BuildError
from runner.initrd.compress import compress, early_size, reads_zstd

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name and name != b"TRAILER!!!")
FILES = st.dictionaries(NAMES.filter(lambda name: name != b"early_cpio"), st.binary(max_size=600), max_size=5)


def cpio(files: dict[bytes, bytes]) -> bytes:
    """An archive as the kernel reads it, written by the format's description."""
    made = bytearray()
    for name, content in [*files.items(), (b"TRAILER!!!", b"")]:
        numbers = (0, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08x" % number for number in numbers) + name + b"\0"
        made += b"\0" * (-len(made) % 4) + content
        made += b"\0" * (-len(made) % 4)
    return bytes(made.ljust(-(-len(made) // 512) * 512, b"\0"))


@given(FILES, FILES)
def test_the_early_part_ends_where_the_next_begins(early: dict[bytes, bytes], late: dict[bytes, bytes]) -> None:
    first = cpio({b"early_cpio": b"1", **early})
    assert early_size(io.BytesIO(first + cpio(late))) == len(first)
    assert early_size(io.BytesIO(cpio(late))) == 0


@given(st.binary(max_size=300))
def test_what_is_no_archive_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(BuildError, match="no cpio archive"):
        early_size(io.BytesIO(b"\1" + content))


def test_only_what_follows_the_early_part_is_compressed(tmp_path: Path) -> None:
    first, second = (
        cpio({b"early_cpio": b"1", b"kernel/x86/microcode": b"new" * 99}),
        cpio({b"init": os.urandom(9999)}),
    )
    path = tmp_path / "initrd"
    path.write_bytes(first + second)
    path.chmod(0o600)
    compress(path)
    packed = path.read_bytes()
    assert packed.startswith(first)
    assert zstandard.ZstdDecompressor().decompress(packed[len(first) :]) == second
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_number_of_processors_does_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = cpio({b"init": os.urandom(1 << 16) * 300})
    made = []
    for number in (1, 2, 7):
        path = tmp_path / f"initrd{number}"
        path.write_bytes(content)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=number: set(range(count)))
        compress(path)
        made.append(path.read_bytes())
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(("text", "can"), [("CONFIG_RD_ZSTD=y\n", True), ("# CONFIG_RD_ZSTD is not set\n", False)])
def test_the_configuration_of_the_kernel_tells_what_it_reads(tmp_path: Path, text: str, *, can: bool) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/config-6.1").write_text(f"CONFIG_RD_GZIP=y\n{text}")
    assert reads_zstd(tmp_path, "6.1") is can
    assert not reads_zstd(tmp_path, "6.2")
