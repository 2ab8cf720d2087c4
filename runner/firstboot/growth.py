# SPDX-License-Identifier: Apache-2.0
"""Let the root filesystem take the whole disk when the system starts.

KIWI does this in its initrd, with a dracut module that few distributions have. systemd does it everywhere:
systemd-repart(8) grows the partition of a GPT, and systemd-growfs(8) the filesystem when it is mounted. For an
MBR, which systemd-repart does not know, and where it is not installed, a small unit of ours runs sfdisk(8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from runner.errors import BuildError
from runner.firstboot.units import install_unit
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.model import DiskIdentity
    from runner.plan.oem import ResizePlan

Mechanism = Literal["systemd-repart", "sfdisk"]

_REPART = "usr/lib/repart.d/50-root.conf"
_SCRIPT = "usr/lib/packhouse/grow-root"
_UNIT = "packhouse-grow-root.service"
_DONE = "/var/lib/packhouse/grown"
_SECTORS_OF_MIB = 2048

_SHELL = """\
#!/bin/sh
# Grows the partition of the root filesystem. sfdisk changes nothing when there is nothing to gain.
set -eu
part=$(readlink -f "$(findmnt --noheadings --nofsroot --output SOURCE /)")
folder=$(readlink -f "/sys/class/block/${{part##*/}}")
disk=/dev/$(basename "$(dirname "$folder")")
number=$(cat "$folder/partition")
most={limit}
size=+
if [ "$most" -gt 0 ]; then
    free=$(( $(cat "$folder/../size") - $(cat "$folder/start") ))
    [ "$free" -le "$most" ] || size=$most
    [ "$most" -gt "$(cat "$folder/size")" ] || exit 0
fi
echo ", $size" | sfdisk --quiet --no-reread --force -N "$number" "$disk"
partx --update --nr "$number" "$disk"
"""
_SERVICE = """\
[Unit]
Description=Grow the partition of the root filesystem
DefaultDependencies=no
After=systemd-remount-fs.service
Before=systemd-growfs-root.service sysinit.target shutdown.target
Conflicts=shutdown.target
{condition}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/packhouse/grow-root
{after}"""
_ONCE = f"ConditionPathExists=!{_DONE}\n"
_MARK = f"ExecStartPost=/bin/mkdir -p /var/lib/packhouse\nExecStartPost=/bin/touch {_DONE}\n"


def install_growth(root: Path, identity: DiskIdentity, plan: ResizePlan) -> Mechanism | None:
    """Write into the tree at ``root`` what grows its root partition, and return by which means; None: it stays.

    The filesystem itself is grown by the option ``x-systemd.growfs`` in fstab.

    Raises:
        BuildError: the tree has neither means.
    """
    if not plan.at_boot:
        return None
    paths = TreePaths(root)
    if not _has(paths, "lib/systemd/systemd-growfs"):
        raise _no_means("systemd", "/usr/lib/systemd/systemd-growfs")
    if identity.table == "gpt" and not plan.once and _has(paths, "bin/systemd-repart"):
        limit = f"SizeMaxBytes={plan.limit_mib}M\n" if plan.limit_mib else ""
        paths.write(_REPART, f"[Partition]\nType=root\n{limit}".encode())
        return "systemd-repart"
    for program, package in (("sfdisk", "fdisk"), ("partx", "util-linux"), ("findmnt", "util-linux")):
        if not (_has(paths, f"sbin/{program}") or _has(paths, f"bin/{program}")):
            raise _no_means(package, program)
    script = _SHELL.format(limit=(plan.limit_mib or 0) * _SECTORS_OF_MIB)
    paths.write(_SCRIPT, script.encode(), mode=0o755)
    condition, after = (_ONCE, _MARK) if plan.once else ("", "")
    service = _SERVICE.format(condition=condition, after=after)
    install_unit(paths, _UNIT, service, wanted_by="sysinit.target")
    return "sfdisk"


def _has(paths: TreePaths, name: str) -> bool:
    return paths.exists(f"usr/{name}") or paths.exists(name)


def _no_means(package: str, missing: str) -> BuildError:
    return BuildError(
        "the image cannot grow to its disk when it starts",
        why=f"it has no {missing}",
        hint=f"add the package {package}, or say <oem-resize>false</oem-resize>",
    )
