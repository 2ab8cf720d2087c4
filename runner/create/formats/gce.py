# SPDX-License-Identifier: Apache-2.0
"""``gce``: what Google Compute Engine imports, ``N.tar.gz`` with ``disk.raw``.

Compute Engine wants GNU tar's old format, in which holes stay holes. A licence is named in ``manifest.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats.api import described
from runner.digest import canonical_json
from runner.process import run as run_tool

if TYPE_CHECKING:
    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

TOOLS = ("gzip", "tar")


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.tar.gz``; see :class:`runner.create.formats.api.Convert`."""
    members = ["disk.raw"]
    if disk.plan.gce_license:
        members.insert(0, "manifest.json")
        (disk.scratch / members[0]).write_bytes(canonical_json({"licenses": [disk.plan.gce_license]}))
        (disk.scratch / members[0]).chmod(0o644)
    disk.raw.rename(disk.scratch / "disk.raw")
    (disk.scratch / "disk.raw").chmod(0o644)
    packed = disk.path("tar.gz")
    command = (
        "tar",
        "--create",
        "--format=oldgnu",
        "--sparse",
        "--hole-detection=raw",  # by content: other filesystems have other holes
        f"--mtime=@{disk.inputs.epoch}",
        "--owner=:0",
        "--group=:0",
        "--numeric-owner",
        "--use-compress-program=gzip --no-name -3",
        f"--directory={disk.scratch}",
        f"--file={packed.absolute()}",
        *members,
    )
    run_tool(command, what="tar", sink=disk.sink)
    return (described(packed, "application/gzip"),)
