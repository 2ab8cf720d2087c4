# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import BuildError, DescriptionError, LimitError, PackhouseError
from runner.prepare import archives

if TYPE_CHECKING:
    from pathlib import Path

    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench


def member(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for info, content in members:
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def unpack(origin: Origin, bench: Bench, content: bytes, **options: object) -> None:
    (origin.directory / "a.tar").write_bytes(content)
    archives.run(archives.Inputs(origin, "a.tar", **options), bench)  # type: ignore[arg-type]


def compressed(kind: str, plain: bytes) -> bytes:
    if kind == "zst":
        half = len(plain) // 2
        return b"".join(zstandard.compress(part) for part in (plain[:half], plain[half:]))  # two frames
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(plain)) as source,
        tarfile.open(fileobj=out, mode=f"w:{kind}") as target,  # type: ignore[call-overload]
    ):
        for info in source:
            target.addfile(info, source.extractfile(info))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz", "zst"])
def test_any_compression(origin: Origin, bench: Bench, kind: str) -> None:
    unpack(origin, bench, compressed(kind, tar((member("./etc/x"), b"content" * 999))))
    assert (bench.root / "etc/x").read_bytes() == b"content" * 999


@pytest.mark.parametrize(("kind", "from_end"), [("gz", 8), ("gz", 4), ("bz2", 6), ("xz", 20)])
def test_a_damaged_checksum_at_the_end_is_seen(origin: Origin, bench: Bench, kind: str, from_end: int) -> None:
    """Nobody has to read on to the checksum to get all members."""
    content = bytearray(compressed(kind, tar((member("./etc/x"), b"content" * 999))))
    content[-from_end] ^= 0x55
    with pytest.raises(DescriptionError, match="no readable tar archive"):
        unpack(origin, bench, bytes(content))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_cut_end_is_seen(origin: Origin, bench: Bench, kind: str) -> None:
    content = compressed(kind, tar((member("./etc/x"), b"content" * 999)))
    with pytest.raises(DescriptionError, match="no readable tar archive"):
        unpack(origin, bench, content[:-4])


def test_a_bomb_behind_the_last_member_is_bounded(origin: Origin, bench: Bench) -> None:
    content = gzip.compress(tar((member("x"), b"")) + bytes(8 << 20))
    with pytest.raises(LimitError):
        unpack(origin, bench, content, caps=archives.Caps(size=1 << 20))


@pytest.mark.root
def test_owner_mode_time_and_attributes_count(origin: Origin, bench: Bench) -> None:
    info = member("opt/tool", mode=0o4751, uid=1000, gid=50, uname="nobody", gname="nogroup", mtime=12345)
    info.pax_headers = {"SCHILY.xattr.user.note": "kept"}
    folder = member("opt", type=tarfile.DIRTYPE, mode=0o2770, uid=7, gid=8)
    unpack(origin, bench, tar((folder, b""), (info, b"x")))
    found = (bench.root / "opt/tool").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777, found.st_mtime) == (1000, 50, 0o4751, 12345)
    assert os.getxattr(bench.root / "opt/tool", "user.note") == b"kept"
    found = (bench.root / "opt").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (7, 8, 0o2770)


def test_target_dir(origin: Origin, bench: Bench) -> None:
    unpack(
        origin,
        bench,
        tar((member("a/x"), b"1"), (member("b", type=tarfile.LNKTYPE, linkname="a/x"), b"")),
        target_dir="/srv/www",
    )
    assert (bench.root / "srv/www/a/x").stat().st_ino == (bench.root / "srv/www/b").stat().st_ino


def test_the_top_of_an_archive_leaves_the_top_of_the_tree(origin: Origin, bench: Bench) -> None:
    before = bench.root.stat()
    for name in (".", "./"):
        unpack(origin, bench, tar((member(name, type=tarfile.DIRTYPE, mode=0o700, uid=1000), b"")))
    assert (bench.root.stat().st_mode, bench.root.stat().st_uid) == (before.st_mode, before.st_uid)


def test_merged_usr_is_honoured(origin: Origin, bench: Bench) -> None:
    unpack(origin, bench, tar((member("lib", type=tarfile.DIRTYPE, mode=0o755), b""), (member("lib/x"), b"1")))
    assert (bench.root / "lib").is_symlink()
    assert (bench.root / "usr/lib/x").read_bytes() == b"1"


@pytest.mark.parametrize(
    "bad",
    [
        member("/etc/x"),
        member("../x"),
        member("etc/../../x"),
        member("etc/x", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("etc/x", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        member("etc/x", type=tarfile.LNKTYPE, linkname="etc/none"),
        member("etc/x", type=tarfile.SYMTYPE, linkname="../../outside"),
        member("etc/x", type=tarfile.CHRTYPE),
        member("etc/x", type=tarfile.BLKTYPE),
    ],
    ids=lambda info: f"{info.type.decode()}:{info.name}>{info.linkname}",
)
def test_hostile_members_are_refused(origin: Origin, bench: Bench, bad: tarfile.TarInfo) -> None:
    with pytest.raises(DescriptionError, match="refused"):
        unpack(origin, bench, tar((bad, b"")))
    assert not (bench.root / "etc/x").exists()


def test_writing_through_a_link_of_the_archive_stays_inside(origin: Origin, bench: Bench, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    link = member("door", type=tarfile.SYMTYPE, linkname=str(victim))
    unpack(origin, bench, tar((link, b""), (member("door/x"), b"1")))
    assert list(victim.iterdir()) == []
    assert (bench.root / str(victim).lstrip("/") / "x").read_bytes() == b"1"


def test_a_second_member_of_a_name_does_not_write_through_the_first(
    origin: Origin, bench: Bench, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("host")
    link = member("etc/x", type=tarfile.SYMTYPE, linkname=str(victim))
    unpack(origin, bench, tar((link, b""), (member("etc/x"), b"1")))
    assert victim.read_text() == "host"
    assert (bench.root / "etc/x").read_bytes() == b"1"


@pytest.mark.parametrize(
    "caps", [archives.Caps(size=99), archives.Caps(members=1), archives.Caps(free=0, ratio=2)], ids=str
)
def test_bombs_are_stopped(origin: Origin, bench: Bench, caps: archives.Caps) -> None:
    bomb = gzip.compress(tar((member("a"), b"\0" * 60_000), (member("b"), b"\0" * 60_000)))
    with pytest.raises(LimitError):
        unpack(origin, bench, bomb, caps=caps)


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 99, b"\x28\xb5\x2f\xfdjunk", b"\x1f\x8bjunk"])
def test_damaged_archives_are_one_clear_error(origin: Origin, bench: Bench, content: bytes) -> None:
    with pytest.raises(DescriptionError, match="no readable tar archive"):
        unpack(origin, bench, content)


DAMAGED = {
    kind: compressed(kind, tar((member("etc/x"), bytes(range(256)) * 3), (member("etc/y"), b"y")))
    for kind in ("", "gz", "bz2", "xz", "zst")
}


@pytest.mark.parametrize("kind", DAMAGED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(data=st.data())
def test_any_damage_is_a_typed_error(origin: Origin, bench: Bench, kind: str, data: st.DataObject) -> None:
    content = bytearray(DAMAGED[kind])
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PackhouseError):
        unpack(origin, bench, bytes(content[: data.draw(st.integers(0, len(content)))]))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_one_wrong_byte_anywhere_is_no_other_error(origin: Origin, bench: Bench, kind: str) -> None:
    for place in range(len(DAMAGED[kind])):
        content = bytearray(DAMAGED[kind])
        content[place] ^= 0x10
        with contextlib.suppress(PackhouseError):
            unpack(origin, bench, bytes(content))


def test_a_directory_with_content_is_not_replaced(origin: Origin, bench: Bench) -> None:
    with pytest.raises(BuildError, match="/usr cannot be replaced"):
        unpack(origin, bench, tar((member("usr"), b"")))
