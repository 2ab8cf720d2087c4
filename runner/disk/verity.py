# SPDX-License-Identifier: Apache-2.0
"""dm-verity: hashes over a finished filesystem, so that a block that somebody changed cannot be read.

The hashes lie in a partition of their own and the two partitions are found by their GUIDs, which are the halves of
the root hash: so says the Discoverable Partitions Specification, and so systemd-veritysetup-generator(8) opens the
root in the initrd when the kernel is told ``roothash=``.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.errors import BuildError
from runner.prepare.paths import TreePaths
from runner.process import run as run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.model import DiskIdentity
    from runner.process import LineSink
    from runner.seed import Seed

DEVICE = "/dev/mapper/root"
"""What the root is mounted from; systemd calls it so."""

TOOLS = ("veritysetup",)
VERSION = 1
_OPENER = "usr/lib/systemd/systemd-veritysetup"
_BLOCK = "4096"
_SALT_BYTES = 32
_ALGORITHM = "sha256"
_GUID = 32
"""Hexadecimal digits of a GUID."""


def require_opener(root: Path) -> None:
    """Make sure that the initrd of the tree at ``root`` gets what opens its root.

    Raises:
        BuildError: the tree does not have it.
    """
    if not TreePaths(root).is_file(_OPENER):
        raise BuildError(
            "the image cannot open a root under dm-verity",
            why=f"it has no /{_OPENER}",
            hint="add the package systemd-cryptsetup (before Debian 13 and Ubuntu 24.10: systemd)",
        )


def hash_tree(image: Path, path: Path, *, seed: Seed, sink: LineSink | None = None) -> str:
    """Write the hashes of ``image``, whose size is a multiple of 4096, as the new file ``path``.

    Returns:
        the root hash, hexadecimal: whoever knows it can check everything.

    Raises:
        BuildError: veritysetup failed.
    """
    root_hash = path.with_suffix(".roothash")
    path.touch(exist_ok=False)
    options = ("--hash", _ALGORITHM, "--data-block-size", _BLOCK, "--hash-block-size", _BLOCK)
    random = ("--uuid", str(seed.uuid("verity")), "--salt", seed.bytes("verity salt", _SALT_BYTES).hex())
    command = ("veritysetup", "format", *options, *random, "--root-hash-file", root_hash, image, path)
    run_tool(command, sink=sink, what="veritysetup")
    return root_hash.read_text(encoding="ascii").strip()


def named_by(identity: DiskIdentity, root_hash: str) -> DiskIdentity:
    """Return ``identity`` with the GUIDs of root and hashes that let systemd find them."""
    names = {"root": uuid.UUID(root_hash[:_GUID]), "verity": uuid.UUID(root_hash[-_GUID:])}
    partitions = (
        replace(entry, uuid=str(names[entry.plan.role])) if entry.plan.role in names else entry
        for entry in identity.partitions
    )
    return replace(identity, partitions=tuple(partitions))
