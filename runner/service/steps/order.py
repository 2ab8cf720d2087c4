# SPDX-License-Identifier: Apache-2.0
"""What a step is told and what it answers: JSON on its standard input, JSON lines on its standard output.

No secret is in an order; those that a step needs are in its environment.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from runner.engine.job import Failed, LogLine, Phase, Started, Warned
from runner.service.jobs.model import Artifact, ImageKey, Trigger


class LockOrder(msgspec.Struct, frozen=True, kw_only=True, tag="lock"):
    """Plan the image, take the lock of its description or make one, and fetch all packages.

    ``refresh``: resolve anew, whatever lock the description has.
    """

    url: str
    commit: str
    image: ImageKey
    refresh: bool = False
    seconds: float


class BuildOrder(msgspec.Struct, frozen=True, kw_only=True, tag="build"):
    """Build the image from ``lock``, the text of a lock file, into the folder ``target``; sign it with ``key``."""

    url: str
    commit: str
    image: ImageKey
    lock: str
    target: Path
    key: Path | None = None
    trigger: Trigger
    attempt: int
    seconds: float


class PublishOrder(msgspec.Struct, frozen=True, kw_only=True, tag="publish"):
    """Publish the release in ``directory``, once."""

    directory: Path
    url: str
    channel: str
    mirror_packages: bool = True


Order = LockOrder | BuildOrder | PublishOrder


class Locked(msgspec.Struct, frozen=True, kw_only=True, tag="locked"):
    """``text`` is the lock file; equal ``digest``, equal packages; name and version are those that are planned."""

    name: str
    version: str
    text: str
    digest: str


class Built(msgspec.Struct, frozen=True, kw_only=True, tag="built"):
    """A release lies in the target; ``boot``: seconds until it had started, None without a boot test."""

    manifest: str
    keyid: str
    artifacts: tuple[Artifact, ...]
    boot: float | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """The release's place in its channel; ``created`` is False when it was there already."""

    manifest: str
    number: int
    created: bool


Outcome = Locked | Built | Published
StepEvent = LogLine | Started | Phase | Warned | Failed | Locked | Built | Published


def encode_order(order: Order) -> bytes:
    """Encode ``order`` as JSON, paths as strings."""
    return msgspec.json.encode(order, enc_hook=str)


def decode_order(data: bytes) -> Order:
    """Decode what :func:`encode_order` made."""
    order: Order = msgspec.json.decode(data, type=Order, dec_hook=lambda kind, value: kind(value))
    return order
