# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.create.tar import BLOCK, Member, TarWriter, header, padding
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 1 << 40
names = st.binary(min_size=1, max_size=300).map(lambda raw: raw.replace(b"\0", b"x").strip(b"/") or b"x")
ids = st.integers(0, 2**32 - 2)
attributes = st.dictionaries(
    st.from_regex(rb"user\.[a-z.=%]{1,20}", fullmatch=True), st.binary(max_size=80), max_size=4
)


def read_back(member: Member) -> tarfile.TarInfo:
    stream = io.BytesIO(header(member) + bytes(2 * BLOCK))
    with tarfile.open(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:
        found = tar.next()
    assert found is not None
    return found


members = st.builds(
    Member,
    name=names,
    mode=st.integers(0, 0o7777),
    uid=ids,
    gid=ids,
    size=st.integers(0, LARGE),
    mtime=st.integers(-LARGE, LARGE),
)


@given(member=members)
def test_python_reads_what_a_header_says(member: Member) -> None:
    found = read_back(member)
    assert os.fsencode(found.name) == member.name
    assert (found.uid, found.gid, found.mode) == (member.uid, member.gid, member.mode)
    assert (found.size, found.mtime) == (member.size, member.mtime)
    assert (found.uname, found.gname, found.type) == ("", "", tarfile.REGTYPE)


@given(name=names, link=names)
def test_python_reads_links(name: bytes, link: bytes) -> None:
    found = read_back(Member(name, b"2", link=link))
    assert found.issym()
    assert os.fsencode(found.linkname) == link


@given(attributes=attributes)
def test_python_reads_attributes(attributes: dict[bytes, bytes]) -> None:
    found = read_back(Member(b"x", xattrs=tuple(sorted(attributes.items()))))
    read = {
        key.removeprefix("SCHILY.xattr.").replace("%3D", "=").replace("%25", "%"): value
        for key, value in found.pax_headers.items()
    }
    expected = {key.decode(): value.decode("utf-8", "surrogateescape") for key, value in attributes.items()}
    assert read == expected


def test_a_plain_header_is_one_block() -> None:
    assert len(header(Member(b"n" * 100, uid=0o7777777, size=0o77777777777))) == BLOCK


def test_a_pax_header_says_nothing_of_place_or_process() -> None:
    block = header(Member(b"n" * 101))[:BLOCK]
    assert block.rstrip(b"\0").startswith(b"././@PaxHeader\0")


@pytest.mark.parametrize(("size", "zeros"), [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)])
def test_padding_fills_a_block(size: int, zeros: int) -> None:
    assert padding(size) == bytes(zeros)


def test_a_file_that_shrinks_while_it_is_packed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    tar = TarWriter(io.BytesIO(), 0)
    with pytest.raises(BuildError, match="changed while it was packed"):
        tar._copy(os.fsencode(tmp_path / "file"), 5)
    with pytest.raises(BuildError, match="changed while it was packed"):
        tar._copy(os.fsencode(tmp_path / "file"), 3)


def test_times_are_clamped_to_whole_seconds(tmp_path: Path) -> None:
    for name, mtime in (("late", 500.5), ("early", 99.75)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (mtime, mtime))
    stream = io.BytesIO()
    tar = TarWriter(stream, 100)
    tar.add_tree(tmp_path)
    tar.close()
    stream.seek(0)
    with tarfile.open(fileobj=stream) as found:
        assert {member.name: member.mtime for member in found} == {"early": 99, "late": 100}
