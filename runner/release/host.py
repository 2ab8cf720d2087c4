# SPDX-License-Identifier: Apache-2.0
"""What kind of machine this is, for the manifest: its name stays unsaid."""

from __future__ import annotations

import os
import platform

from runner.release.manifest import Host


def current_host() -> Host:
    """Return operating system, kernel release and architecture of this machine."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {"ID": "linux"}
    name = " ".join(filter(None, (release.get("ID"), release.get("VERSION_ID"))))
    kernel = os.uname()
    return Host(os=name, kernel=kernel.release, arch=kernel.machine)
