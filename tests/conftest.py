# SPDX-License-Identifier: Apache-2.0
"""What tests may do depends on who runs them: marks say what a test needs; where that is missing it is skipped.

``make test`` runs the tests marked ``owners`` in a user namespace when an ordinary user calls it, so that only
those marked ``root`` are left out.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
NEEDS = {
    TESTS / "unit" / "prepare": pytest.mark.owners,  # trees with real owners
    TESTS / "integration" / "create": pytest.mark.root,  # and device nodes, and a small tmpfs
}


def pytest_configure() -> None:
    """Let what the tests start hear Ctrl-C: a shell starts its background jobs deaf to it.

    And fail no property because the machine is busy.
    """
    settings.register_profile("packhouse", deadline=None)
    settings.load_profile("packhouse")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def real_root() -> bool:
    """Whether we are root of the machine, or of a container, but not of a user namespace only."""
    inside, outside, _ = Path("/proc/self/uid_map").read_text(encoding="ascii").split()[:3]
    return os.geteuid() == 0 and inside == outside == "0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder, mark in NEEDS.items():
            if item.path.is_relative_to(folder):
                item.add_marker(mark)
        if item.get_closest_marker("root") and not real_root():
            item.add_marker(pytest.mark.skip(reason="needs real root"))
        elif item.get_closest_marker("owners") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root, or a user namespace"))
