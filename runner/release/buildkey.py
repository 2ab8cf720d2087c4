# SPDX-License-Identifier: Apache-2.0
"""The key of a build: the digest over everything that can change its bytes, known before it starts."""

from __future__ import annotations

import msgspec

from runner.digest import digest_of
from runner.packages.lock import Tool


class BuildKey(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of one build; equal digests promise equal artifacts, so it is the dedupe and cache key.

    Attributes:
        tree: git tree id of the description's folder, None outside git or when the folder is dirty.
        plan: digest of the plan: it covers the description's files, profiles, type and architecture.
        lock: digest of the lock.
        builder: id of the builder.
        version: of the runner.
        toolchain: packing tools that are used.
    """

    tree: str | None
    plan: str
    lock: str
    builder: str
    version: str
    toolchain: tuple[Tool, ...]

    @property
    def digest(self) -> str:
        return digest_of(self)
