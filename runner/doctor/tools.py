# SPDX-License-Identifier: Apache-2.0
"""The programs a build runs, with the oldest version that will do."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import process
from runner.doctor.check import Check
from runner.errors import PackhouseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.doctor.check import Host

_VERSION = re.compile(r"\b(\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True)
class Tool:
    """One need that a program fills.

    Attributes:
        names: programs that fill it, the first choice first.
        package: what to install, by package manager; ``*`` for the others.
        oldest: version of the first choice; empty when any will do.
        option: prints the version.
    """

    names: tuple[str, ...]
    package: Mapping[str, str]
    why: str
    oldest: tuple[int, ...] = ()
    required: bool = True
    option: str = "--version"

    def probe(self, host: Host) -> Check:
        """Look whether it is there and new enough."""
        name, fix = " or ".join(self.names), host.install(self.package)
        if self.oldest:
            name += f" ≥ {'.'.join(map(str, self.oldest))}"
        search = process.tool_environment()["PATH"]
        present = next((tool for tool in self.names if shutil.which(tool, path=search)), None)
        if present is None:
            return Check(name, ok=False, required=self.required, found="not installed", fix=fix, why=self.why)
        version = self._version(present) if self.oldest else ""
        ok = present != self.names[0] or numbers(version) >= self.oldest
        found = f"{present} {version}".rstrip()
        return Check(name, ok=ok, required=self.required, found=found, fix="" if ok else fix, why=self.why)

    def _version(self, program: str) -> str:
        try:
            done = process.run([program, self.option], limits=process.Limits(seconds=10), check=False)
        except PackhouseError:
            return ""
        found = _VERSION.search("\n".join((done.stdout.decode("utf-8", "replace"), *done.tail)))
        return found[1] if found else ""


def numbers(version: str) -> tuple[int, ...]:
    """Return ``1.21.22`` as numbers that compare; nothing for no version."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _same(name: str, **others: str) -> dict[str, str]:
    return {"*": name, **others}


_SHADOW = _same("shadow", apt="uidmap", dnf="shadow-utils")

TOOLS = (
    Tool(("apt-get",), _same("apt"), "resolves Debian and Ubuntu packages", (2, 4)),
    Tool(("dpkg-deb",), _same("dpkg"), "unpacks Debian packages", (1, 19)),
    Tool(("tar",), _same("tar"), "unpacks archives of a description", (1, 28)),
    Tool(
        ("gpgv", "sqv"),
        _same("gnupg", apt="gpgv", dnf="gnupg2", zypper="gpg2"),
        "verifies signatures of repositories",
        (2, 2),
    ),
    Tool(
        ("bwrap",),
        _same("bubblewrap"),
        "the fastest and strictest way to run programs of the image; without it unshare or chroot is used",
        (0, 8),
        required=False,
    ),
    Tool(("unshare",), _same("util-linux"), "gives every build namespaces of its own", (2, 38)),
    Tool(("prlimit",), _same("util-linux"), "bounds the number of processes"),
    Tool(("mke2fs",), _same("e2fsprogs"), "writes ext filesystems", (1, 46), option="-V"),
    Tool(("debugfs",), _same("e2fsprogs"), "makes ext filesystems reproducible", (1, 46), option="-V"),
    Tool(
        ("mksquashfs",),
        _same("squashfs-tools", zypper="squashfs"),
        "writes squashfs filesystems",
        (4, 4),
        option="-version",
    ),
    Tool(("mkfs.erofs",), _same("erofs-utils"), "writes erofs filesystems", (1, 5)),
    Tool(("mkfs.vfat",), _same("dosfstools"), "writes the EFI partition of disks", required=False),
    Tool(("mcopy",), _same("mtools"), "fills the EFI partition of disks", required=False),
    Tool(("mkfs.xfs",), _same("xfsprogs"), "writes xfs filesystems", required=False, option="-V"),
    Tool(
        ("veritysetup",),
        _same("cryptsetup", apt="cryptsetup-bin", dnf="veritysetup"),
        "hashes roots under dm-verity",
        (2, 4),
        required=False,
    ),
    Tool(("xz",), _same("xz", apt="xz-utils"), "compresses archives with many threads", (5, 2)),
    Tool(("git",), _same("git"), "clones descriptions", (2, 30)),
    Tool(("git-lfs",), _same("git-lfs"), "large files in a description", required=False),
    Tool(
        ("qemu-system-x86_64",),
        _same("qemu-system-x86", pacman="qemu-system-x86"),
        "starts images to test them",
        (7, 0),
        required=False,
    ),
    Tool(
        ("qemu-img",),
        _same("qemu-img", apt="qemu-utils", zypper="qemu-tools"),
        "converts disks to their formats, and starts them to test them",
        (6, 2),
        required=False,
    ),
    Tool(("skopeo",), _same("skopeo"), "pushes container images to registries", required=False),
)

ID_MAPPERS = (
    Tool(("newuidmap",), _SHADOW, "maps the users of an image without root"),
    Tool(("newgidmap",), _SHADOW, "maps the groups of an image without root"),
)
"""Needed by an ordinary user only."""
