# SPDX-License-Identifier: Apache-2.0
"""``examples/debian-rootfs`` from its committed lock: other tools find each filesystem whole."""

from __future__ import annotations

import re
import stat
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.debs import Inode, lost, packaged, special, unlike
from tests.support.image_files import only
from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Rootfs
    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("e2e-release")]

_DEBUGFS = re.compile(
    r"^debugfs: stat /(?P<name>\S+)\nInode: \d+ +Type: (?P<type>\w+) +Mode: +(?P<mode>[0-7]+).*\n.*\n"
    r"User: +(?P<uid>\d+) +Group: +(?P<gid>\d+)",
    re.MULTILINE,
)
_LISTED = re.compile(
    r"^(?P<bits>[-d][-rwxsStT]{9}) (?P<uid>\d+)/(?P<gid>\d+) +\d+ \S+ \S+ squashfs-root/(?P<name>.+)$",
    re.MULTILINE,
)
_DUMPED = re.compile(r"NID: (?P<nid>\d+) .*\n.*\nUid: (?P<uid>\d+) +Gid: (?P<gid>\d+) ")
_KINDS = {"regular": "-", "directory": "d"}


@pytest.fixture(scope="module")
def squashfs(rootfs: Rootfs, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(rootfs, packhouse, "squashfs", tmp_path_factory)


@pytest.fixture(scope="module")
def erofs(rootfs: Rootfs, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(rootfs, packhouse, "erofs", tmp_path_factory)


@pytest.fixture(scope="module")
def shipped(rootfs: Rootfs, packhouse: Packhouse) -> dict[str, Inode]:
    """What the locked packages say."""
    return packaged(only(rootfs.ext4, ".lock.json"), packhouse.store)


def _build(rootfs: Rootfs, packhouse: Packhouse, kind: str, factory: pytest.TempPathFactory) -> Path:
    target = factory.mktemp(kind) / "out"
    packhouse.run("build", rootfs.path, "--type", kind, "--target-dir", target)
    return only(target, f".{kind}")


def _run(*argv: str | Path, stdin: str = "") -> str:
    return subprocess.run(argv, input=stdin, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout


def test_the_committed_lock_names_no_mirror() -> None:
    lock = (PROJECT / "examples/debian-rootfs/packhouse.lock.json").read_text()
    assert re.findall(r"[a-z+]+://[^\"]*", lock) == ["mirror://debian", "mirror://debian-security"]


def test_ext4(rootfs: Rootfs, shipped: dict[str, Inode], tmp_path: Path) -> None:
    image = only(rootfs.ext4, ".ext4")
    _run("e2fsck", "-f", "-n", image)
    names = [name for name in shipped if " " not in name]
    script = tmp_path / "script"
    script.write_text("".join(f"stat /{name}\n" for name in names))
    said = subprocess.run(
        ["debugfs", "-f", script, image], check=True, capture_output=True, text=True, timeout=300
    ).stdout
    found = {
        match["name"]: Inode(_KINDS[match["type"]], int(match["mode"], 8), int(match["uid"]), int(match["gid"]))
        for match in _DEBUGFS.finditer(said)
        if match["type"] in _KINDS
    }
    _compare(shipped, found)


def test_ext4_has_its_label(rootfs: Rootfs) -> None:
    assert _run("blkid", "-p", "-s", "LABEL", "-o", "value", only(rootfs.ext4, ".ext4")).strip() == "DEBIAN"


def test_squashfs(squashfs: Path, shipped: dict[str, Inode]) -> None:
    listed = _run("unsquashfs", "-lln", squashfs)
    found = {
        match["name"]: Inode(match["bits"][0], _mode(match["bits"]), int(match["uid"]), int(match["gid"]))
        for match in _LISTED.finditer(listed)
    }
    _compare(shipped, found)


def test_squashfs_content_can_be_read(squashfs: Path) -> None:
    assert "VERSION_CODENAME=bookworm\n" in _run("unsquashfs", "-cat", squashfs, "usr/lib/os-release")


def test_erofs(erofs: Path, shipped: dict[str, Inode]) -> None:
    _run("fsck.erofs", "--extract", erofs)
    names = [*special(shipped), "usr/bin/bash", "etc/passwd", "etc", "usr/lib/os-release"]
    inodes = {name: _of_erofs(erofs, name) for name in names if name in shipped}
    found = {name: inode for name, inode in inodes.items() if inode is not None}
    assert len(found) > 10
    assert not unlike(shipped, found)


def _of_erofs(image: Path, name: str) -> Inode | None:
    """Owners as dump.erofs says; it hides the setuid bit and its like, so the mode comes from the inode itself.

    None for a symbolic link.
    """
    match = _DUMPED.search(_run("dump.erofs", f"--path=/{name}", image))
    assert match is not None, name
    with image.open("rb") as file:
        file.seek(1024)  # the super block, see fs/erofs/erofs_fs.h of Linux
        block_bits, meta = struct.unpack_from("<12xB27xI", file.read(128))
        file.seek((meta << block_bits) + int(match["nid"]) * 32)
        (mode,) = struct.unpack_from("<4xH", file.read(32))
    if stat.S_ISLNK(mode):
        return None
    return Inode("d" if stat.S_ISDIR(mode) else "-", stat.S_IMODE(mode), int(match["uid"]), int(match["gid"]))


def _compare(shipped: dict[str, Inode], found: dict[str, Inode]) -> None:
    assert not unlike(shipped, found)
    assert not lost(shipped, found)


def _mode(bits: str) -> int:
    """The number that ls(1) shows as nine letters."""
    plain = sum(1 << (9 - place) for place in range(1, 10) if bits[place] not in "-ST")
    return plain | sum(bit for place, bit in ((3, 0o4000), (6, 0o2000), (9, 0o1000)) if bits[place] in "sStT")
