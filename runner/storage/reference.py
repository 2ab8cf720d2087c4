# SPDX-License-Identifier: Apache-2.0
"""What a user writes to name a published release: ``NAME``, ``NAME:CHANNEL`` or ``NAME@VERSION``."""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors import UsageError
from runner.storage import keys

DEFAULT_CHANNEL = "edge"
"""Where ``publish`` puts a release and ``fetch`` looks for one when no channel is named."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A release by name: the newest of ``channel`` (None: of the default channel), or of ``version`` in any."""

    image: str
    channel: str | None = None
    version: str | None = None


def parse_reference(text: str) -> Reference:
    """Split ``NAME[:CHANNEL|@VERSION]``.

    Raises:
        UsageError: a part is missing, or cannot be such a name.
    """
    name, at, version = text.partition("@")
    if at:
        return Reference(keys.checked_image(name), version=keys.checked_version(version))
    name, colon, channel = text.partition(":")
    if not name or (colon and not channel):
        raise UsageError(f"{text!r} names no release", hint="write NAME, NAME:CHANNEL or NAME@VERSION")
    return Reference(keys.checked_image(name), channel=keys.checked_channel(channel) if colon else None)
