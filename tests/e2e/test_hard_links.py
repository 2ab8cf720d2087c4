# SPDX-License-Identifier: Apache-2.0
"""Files with several names, changed by scripts: the image is the same where the kernel allows no overlay."""

from __future__ import annotations

import os
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import build_deb
from tests.support.image_files import only, reproducible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.bench import Bench
    from tests.support.packhouse import Packhouse

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="takes rights away from root"),
]

WITHOUT_MOUNTS = ("setpriv", "--bounding-set=-sys_admin")
KINDS = ("tbz", "erofs", "squashfs", "ext4")
PAIRS = ("still", "written", "mode", "removed", "replaced", "later")
NAMES = {f"{pair}-{half}" for pair in PAIRS for half in "ab"} | {"third"}
_CONFIG = """\
cd /usr/share/pairs
echo more >>written-a
chmod 600 mode-b
rm removed-a
echo new >new; mv new replaced-a
ln still-a third
"""
_IMAGES = "#!/bin/bash\nset -e\necho more >>/usr/share/pairs/later-b\n"


def build(bench: Bench, kinds: Iterable[str], name: str, command: Packhouse) -> dict[str, dict[str, str]]:
    """Build each of ``kinds``; return the digests of all result files."""
    found = {}
    for kind in kinds:
        target = bench.base / name / kind
        command.run("build", bench.setup.description, "--type", kind, "--target-dir", target)
        found[kind] = reproducible(target)
    return found


def add_pairs(bench: Bench) -> None:
    """Add a package that ships pairs of names."""
    content = bench.base / "pairs"
    folder = content / "usr/share/pairs"
    folder.mkdir(parents=True)
    for pair in PAIRS:
        (folder / f"{pair}-a").write_text(f"{pair}\n")
        (folder / f"{pair}-b").hardlink_to(folder / f"{pair}-a")
    bench.setup.repo.add(build_deb(bench.base, "pairs", content, Depends="dpkg"))
    bench.setup.repo.write(bench.setup.signer)
    bench.setup.edit('<package name="hello"/>', '<package name="hello"/><package name="pairs"/>')
    bench.setup.script(_CONFIG)
    (bench.setup.description / "images.sh").write_text(_IMAGES)


def test_overlay_copy_and_cached_layers_give_the_same_bytes(bench: Bench) -> None:
    add_pairs(bench)
    chroot = bench.command.with_env(**bench.setup.environment, PACKHOUSE_SANDBOX="chroot")
    chroot.run("lock", bench.setup.description)
    overlay = build(bench, KINDS, "overlay", chroot)
    copy = build(bench, KINDS, "copy", chroot.inside(*WITHOUT_MOUNTS))
    warm = build(bench, KINDS[1:], "warm", chroot)  # the archive's compressor takes longer than all the rest
    assert copy == overlay
    assert warm == {kind: overlay[kind] for kind in KINDS[1:]}
    check(only(bench.base / "overlay" / "tbz", ".tar.xz"))


def check(archive: Path) -> None:
    """What a script did to one name it did to both, unless it gave the name to another file."""
    with tarfile.open(archive) as tar:
        members = {
            name: member for member in tar if (name := member.name.removeprefix("usr/share/pairs/")) in NAMES
        }
        found = {name: _file(tar, member) for name, member in members.items()}
    assert {name: text for name, (text, _) in found.items()} == {
        "still-a": "still\n", "still-b": "still\n", "third": "still\n",
        "written-a": "written\nmore\n", "written-b": "written\nmore\n",
        "mode-a": "mode\n", "mode-b": "mode\n",
        "removed-b": "removed\n",
        "replaced-a": "new\n", "replaced-b": "replaced\n",
        "later-a": "later\nmore\n", "later-b": "later\nmore\n",
    }  # fmt: skip
    assert found["mode-a"][1] == found["mode-b"][1] == 0o600
    links = {name for name, member in members.items() if member.islnk()}
    assert links == {"still-b", "third", "written-b", "mode-b", "later-b"}


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, int]:
    """What the name leads to: text and mode."""
    stream = tar.extractfile(member)
    assert stream is not None
    return stream.read().decode(), tar.getmember(member.linkname).mode if member.islnk() else member.mode
