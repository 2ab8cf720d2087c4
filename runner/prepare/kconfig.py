# SPDX-License-Identifier: Apache-2.0
"""``/.kconfig``: the helper functions that scripts of a description source, under the names KIWI gives them."""

from __future__ import annotations

from importlib import resources

PARTS = ("head", "messages", "services", "configuration", "strip", "libraries", "old")
"""The files of ``data/kconfig``, one idea each, in the order they are put together."""


def library() -> bytes:
    """Return the whole file."""
    folder = resources.files("runner.prepare").joinpath("data", "kconfig")
    return b"\n".join(folder.joinpath(f"{name}.sh").read_bytes() for name in PARTS)
