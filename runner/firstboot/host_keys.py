# SPDX-License-Identifier: Apache-2.0
"""Have each machine make ssh host keys of its own: keys in an image would be everybody's.

Distributions with rpm make missing keys when sshd starts; Debian makes them only when its package is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.firstboot.units import UNITS, install_unit
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

_UNIT = "packhouse-ssh-host-keys.service"
_SERVER, _TOOL = "usr/sbin/sshd", "usr/bin/ssh-keygen"
_OWN_WAYS = ("sshd-keygen.target", "sshd-keygen@.service")
_TEXT = """\
[Unit]
Description=Make the ssh host keys of this machine
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service sshd.service ssh.socket

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ssh-keygen -A
"""


def install_host_keys(root: Path) -> bool:
    """Install the unit that makes them where the tree has a server and no way of its own; tell whether it was."""
    paths = TreePaths(root)
    if not (paths.exists(_SERVER) and paths.exists(_TOOL)):
        return False
    if any(paths.exists(f"{UNITS}/{name}") for name in _OWN_WAYS):
        return False
    install_unit(paths, _UNIT, _TEXT, wanted_by="multi-user.target")
    return True
