# SPDX-License-Identifier: Apache-2.0
"""A small root tree with one of everything a packer can get wrong, and plans to pack it."""

from __future__ import annotations

import os
import random
import socket
import stat
import struct
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.inputs import CreateInputs
from runner.plan.model import (
    ContainerPlan,
    DescriptionRef,
    HistoryPlan,
    ImageIdentity,
    PackageRequest,
    Plan,
    SizePlan,
    TypePlan,
)
from runner.seed import Seed
from tests.support.workshop import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.create.registry import Workshop

EPOCH = 1_700_000_000
OLD = 1_500_000_000
SEED = Seed(bytes(range(32)))
STEM = "garden.x86_64-1.2.3"
_ANY = 0xFFFFFFFF
ACL = struct.pack("<I" + "HHI" * 5, 2, 1, 7, _ANY, 4, 5, _ANY, 8, 5, 4, 16, 5, _ANY, 32, 5, _ANY)
"""acl(5) as the kernel takes it: owner rwx, group r-x, group 4 r-x, mask r-x, others r-x."""

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
"""``cap_net_bind_service=ep`` as the kernel stores it (VFS_CAP_REVISION_2)."""
RAW_NAME = b"caf\xe9"
LONG = "a" * 90 + "/" + "b" * 120
STATUS = """\
Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1

Package: bash
Status: install ok installed
Architecture: amd64
Description: a shell
 Version: not this one
Version: 5.2.15-2+b7

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""

TEXTS = {
    "etc/hostname": "garden\n",
    "etc/zero": "",
    "etc/grün": "a name beyond ASCII",
    "bin/tool": "#!/bin/sh\n",
    "lib/block": "0123456789abcdef" * 32,
    "srv/" + LONG: "long",
    "var/lib/dpkg/status": STATUS,
}
LEFTOVERS = (
    "image/config.xml",
    ".kconfig",
    ".profile",
    "dev/stray",
    "dev/pts/0",
    "proc/1",
    "sys/a",
    "run/lock",
    "tmp/junk",
    "var/cache/kiwi/x.deb",
)
TEXTS |= dict.fromkeys(LEFTOVERS, "left over")
MODES = {"": 0o751, "tmp": 0o1777, "srv/pipe": 0o600, "srv/null": 0o666, "srv/disk": 0o660, "bin/tool": 0o4755}
OWNERS = {"etc/hostname": (1000, 1001), "etc/zero": (3_000_000, 4_000_000), "bin/sh": (7, 8), "bin/tool": (9, 10)}
ATTRIBUTES = {"user.b": b"2", "trusted.a": b"\xff\x00\n", "user.a": b"1" * 40}

CONTAINER = ContainerPlan(
    name="garden",
    tag="1.2.3",
    additional_names=(":latest", "shed"),
    maintainer="Ann <ann@example.org>",
    user="9:10",
    workingdir="/srv",
    entrypoint=("/bin/tool", "--serve"),
    subcommand=("--port", "80"),
    expose=("80", "53/udp"),
    volumes=("/data",),
    stopsignal="SIGTERM",
    environment={"B": "2", "A": "1"},
    labels={"org.example.b": "y", "org.example.a": "x"},
    history=HistoryPlan(created_by="a gardener", author="", comment="grown"),
)


def plan(
    image: str, *, size: SizePlan | None = None, empty_tmp: bool = True, options: tuple[str, ...] = ()
) -> Plan:
    """Return a plan for one image type."""
    return Plan(
        image=ImageIdentity(name="garden", version="1.2.3", author="Ann", contact="ann@example.org"),
        arch="x86_64",
        profiles=(),
        type=TypePlan(
            image=image,
            size=size,
            ensure_empty_tmpdirs=empty_tmp,
            fscreateoptions=options,
            container=CONTAINER if image in {"docker", "oci"} else None,
        ),
        packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
        description=DescriptionRef(kiwi_file="config.xml", digest="0" * 64),
    )


def inputs(image: str) -> CreateInputs:
    return CreateInputs.of(plan(image), epoch=EPOCH, seed=SEED)


def grow(root: Path, *, order: int = 0) -> Path:
    """Make the tree at ``root``; ``order`` shuffles creation and whatever else has no meaning."""
    shuffle = random.Random(order)  # noqa: S311 - not a secret
    root.mkdir(parents=True)
    folders = ("bin", "dev", "dev/pts", "etc", "etc/empty", "image", "proc", "run", "sys", "tmp", "srv", "lib")
    for name in (*folders, "var", "var/cache", "var/cache/kiwi", "var/lib", "var/lib/dpkg", "srv/" + "a" * 90):
        (root / name).mkdir()
    for step in _steps(root, shuffle):
        step()
    _finish(root, shuffle)
    return root


def _steps(root: Path, shuffle: random.Random) -> list[Callable[[], object]]:
    contents = {name: text.encode() for name, text in TEXTS.items()}
    contents |= {f"lib/m{number}": bytes([number]) * (number * 400) for number in range(60)}
    contents["lib/big"] = random.Random(1).randbytes(700_000)  # noqa: S311 - bytes that do not compress
    steps: list[Callable[[], object]] = [
        partial((root / name).write_bytes, data) for name, data in contents.items()
    ]
    steps += [
        partial((root / "bin/sh").symlink_to, "tool"),
        partial((root / "etc/target").symlink_to, "/" + "t" * 150),
        partial(os.mkfifo, root / "srv/pipe"),
        partial(os.mknod, root / "srv/null", stat.S_IFCHR, os.makedev(1, 3)),
        partial(os.mknod, root / "srv/disk", stat.S_IFBLK, os.makedev(8, 300)),
        partial(_bind_socket, root / "srv"),
        partial(_raw_file, root / "etc"),
    ]
    shuffle.shuffle(steps)
    return steps


def _bind_socket(folder: Path) -> None:
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{handle}/socket")  # the path itself may be too long for a socket
    finally:
        os.close(handle)


def _raw_file(folder: Path) -> None:
    os.close(os.open(os.fsencode(folder) + b"/" + RAW_NAME, os.O_CREAT | os.O_WRONLY))


def _finish(root: Path, shuffle: random.Random) -> None:
    """Set what needs all names to be there: links, owners, modes, attributes and, last, times."""
    (root / "lib/second").hardlink_to(root / "lib/block")
    (root / "bin/zlink").hardlink_to(root / "lib/block")
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    for name, mode in MODES.items():
        (root / name).chmod(mode)
    for name, (uid, gid) in OWNERS.items():
        os.chown(root / name, uid, gid, follow_symlinks=False)
    (root / "bin/tool").chmod(0o4755)  # chown clears the bit
    os.setxattr(root / "lib/m5", "security.capability", CAPABILITY)
    attributes = list(ATTRIBUTES.items())
    shuffle.shuffle(attributes)
    for key, value in attributes:
        os.setxattr(root / "lib/m7", key, value)
    os.setxattr(root, "user.root", b"yes")
    for path in (*root.rglob("*"), root):
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    os.utime(root / "lib/m9")  # newer than the epoch


def with_acl(root: Path) -> None:
    """Give a folder what systemd gives that of its journal; tmpfs always lists the two the other way round."""
    for key in ("system.posix_acl_default", "system.posix_acl_access"):
        os.setxattr(root / "lib", key, ACL)


def workshop() -> Workshop:
    """With the sandbox that this machine has; no part of these types is kept."""
    return Shelf(Path("/nonexistent")).workshop()
