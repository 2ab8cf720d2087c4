# SPDX-License-Identifier: Apache-2.0
"""The filesystems' own tools find no fault in our images, and the tree in them."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from runner.create.pipeline import create
from runner.disk.filesystems.ext_size import MEBIBYTE
from runner.errors import BuildError
from runner.plan.model import SizePlan
from runner.process import run
from tests.integration.create.facts import Fact, facts
from tests.integration.create.trees import (
    ATTRIBUTES,
    CAPABILITY,
    EPOCH,
    RAW_NAME,
    SEED,
    STEM,
    grow,
    plan,
    workshop,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.root]


def packed(
    image: str, tmp_path: Path, size: SizePlan | None = None, options: tuple[str, ...] = ()
) -> tuple[Path, Path]:
    """Return the (stripped) tree and the filesystem made of it."""
    root = grow(tmp_path / "tree")
    asked = plan(image, size=size, options=options)
    made = create(asked, root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    assert made.files[0].name == f"{STEM}.{image}"
    return root, tmp_path / "out" / made.files[0].name


def test_squashfs_keeps_everything(tmp_path: Path) -> None:
    root, image = packed("squashfs", tmp_path)
    run(("unsquashfs", "-quiet", "-no-progress", "-dest", tmp_path / "back", image))
    assert facts(tmp_path / "back", epoch=EPOCH) == facts(root, epoch=EPOCH)
    top, back = root.stat(), (tmp_path / "back").stat()
    assert (back.st_mode, back.st_uid, back.st_mtime) == (top.st_mode, top.st_uid, top.st_mtime)
    shown = run(("unsquashfs", "-stat", image)).stdout.decode()
    assert "Compression xz" in shown
    assert "Block size 1048576" in shown


def bare(found: dict[bytes, Fact]) -> dict[bytes, Fact]:
    """Return ``found`` less what the filesystem's tool does not extract."""
    return {name: fact._replace(xattrs=(), links=()) for name, fact in found.items()}


def test_erofs_keeps_everything(tmp_path: Path) -> None:
    root, image = packed("erofs", tmp_path)
    run(("fsck.erofs", image))
    run(("fsck.erofs", f"--extract={tmp_path / 'back'}", "--preserve", image))
    expected, found = facts(root, epoch=EPOCH), facts(tmp_path / "back", epoch=EPOCH)
    expected[b"bin/tool"] = expected[b"bin/tool"]._replace(mode=0o755)  # fsck.erofs 1.5 loses it in its own chown
    assert bare(found) == bare(expected)
    assert "Links: 3" in run(("dump.erofs", "--path=/lib/block", image)).stdout.decode()
    sizes = re.findall(r"Xattr size: (\d+)", run(("dump.erofs", "--path=/lib/m7", image)).stdout.decode())
    assert int(sizes[0]) > sum(map(len, ATTRIBUTES.values()))


def test_btrfs_is_clean_and_as_large_as_asked(tmp_path: Path) -> None:
    _, path = packed("btrfs", tmp_path, SizePlan(mebibytes=200))
    assert path.stat().st_size == 200 * MEBIBYTE
    run(("btrfs", "check", "--readonly", "--check-data-csum", path))


def test_xfs_is_clean(tmp_path: Path) -> None:
    root = grow(tmp_path / "tree")
    (root / "srv/socket").unlink()  # mkfs.xfs has no way to be given it
    made = create(plan("xfs"), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    run(("xfs_repair", "-n", "-f", tmp_path / "out" / made.files[0].name))


@pytest.mark.parametrize("image", ["btrfs", "xfs"])
def test_a_size_that_is_too_small_says_so(image: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="too small for the root tree by"):
        packed(image, tmp_path, SizePlan(mebibytes=2))


@pytest.mark.parametrize("image", ["ext2", "ext3", "ext4"])
def test_ext_is_clean(image: str, tmp_path: Path) -> None:
    _, path = packed(image, tmp_path)
    run(("e2fsck", "-f", "-n", path))
    shown = run(("dumpe2fs", "-h", path)).stdout.decode()
    assert ("has_journal" in shown) == (image != "ext2")
    assert ("metadata_csum" in shown) == (image == "ext4")
    assert "orphan_file" not in shown
    assert re.search(r"volume name:\s+ROOT\n", shown)
    assert re.search(r"Last write time:\s+Tue Nov 14 22:13:20 2023", shown)


def test_ext4_keeps_files_owners_and_times(tmp_path: Path) -> None:
    root, image = packed("ext4", tmp_path)
    (tmp_path / "back").mkdir()
    run(("debugfs", "-R", f"rdump / {tmp_path / 'back'}", image))
    expected, found = facts(root, epoch=EPOCH), facts(tmp_path / "back", epoch=EPOCH)
    assert found.pop(b"lost+found").mode == 0o700
    expected = {name: fact for name, fact in expected.items() if fact.kind in {stat.S_IFREG, stat.S_IFDIR}}
    found = {name: fact for name, fact in found.items() if name in expected}
    for name, mode in ((b"bin/tool", 0o755), (b"tmp", 0o777)):  # debugfs loses them while it extracts
        expected[name] = expected[name]._replace(mode=mode)
    assert bare(found) == bare(expected)


def test_ext4_keeps_what_debugfs_cannot_extract(tmp_path: Path) -> None:
    _, image = packed("ext4", tmp_path)

    def shown(path: str) -> str:
        return " ".join(run(("debugfs", "-R", f"stat {path}", image)).stdout.decode().split())

    assert "Mode: 04755" in shown("/bin/tool")
    assert "Mode: 01777" in shown("/tmp")
    assert "Mode: 0751" in shown("/")
    assert 'user.root (3) = "yes"' in shown("/")
    assert "User: 3000000 Group: 4000000" in shown("/etc/zero")
    assert 'Fast link dest: "tool"' in shown("/bin/sh")
    assert "User: 7 Group: 8" in shown("/bin/sh")
    assert "Type: FIFO Mode: 0600" in shown("/srv/pipe")
    assert "Type: character special Mode: 0666" in shown("/srv/null")
    assert "Device major/minor number: 08:300" in shown("/srv/disk")
    assert "security.capability (20) = " + CAPABILITY.hex(" ") in shown("/lib/m5")
    assert 'user.b (1) = "2" user.a (40) trusted.a (3) = ff 00 0a' in shown("/lib/m7")
    names = [shown(name) for name in ("/lib/block", "/lib/second", "/bin/zlink")]
    assert len(set(names)) == 1
    assert "Links: 3" in names[0]
    assert f"mtime: {EPOCH:#x}" in shown("/lib/m9")
    assert "File not found" not in shown("/etc/" + RAW_NAME.decode("utf-8", "surrogateescape"))


def test_ext4_takes_the_size_asked_for(tmp_path: Path) -> None:
    _, image = packed("ext4", tmp_path, SizePlan(mebibytes=64))
    assert image.stat().st_size == 64 * MEBIBYTE


def test_ext4_grows_by_an_additive_size(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, plain = packed("ext4", tmp_path / "a")
    _, more = packed("ext4", tmp_path / "b", SizePlan(mebibytes=32, additive=True))
    assert more.stat().st_size == plain.stat().st_size + 32 * MEBIBYTE


def test_a_size_too_small_says_by_how_much(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"image size of 4 MiB is too small for the root tree by \d+ MiB"):
        packed("ext4", tmp_path, SizePlan(mebibytes=4))
    assert list((tmp_path / "out").iterdir()) == []


def test_many_small_files_fit(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for folder in range(40):
        (root / str(folder)).mkdir(parents=True)
        for number in range(100):
            (root / str(folder) / f"{number:0200}").write_bytes(b"x")
    made = create(plan("ext4"), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    run(("e2fsck", "-f", "-n", tmp_path / "out" / made.files[0].name))


def test_options_of_the_description_are_used(tmp_path: Path) -> None:
    _, image = packed("ext4", tmp_path, options=("-O", "^huge_file", "-E", "stride=4"))
    shown = run(("dumpe2fs", "-h", image)).stdout.decode()
    assert "huge_file" not in shown
    assert re.search(r"RAID stride:\s+4\n", shown)
    assert re.search(r"Directory Hash Seed:\s+[0-9a-f]", shown)
