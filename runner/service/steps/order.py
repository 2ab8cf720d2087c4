# SPDX-License-Identifier: Apache-2.0
"""What a step is told and what it answers: JSON on its standard input, JSON lines on its standard output.

No secret is in an order; those that a step needs are in its environment.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from runner.engine.job import Failed, LogLine, Phase, Started, Warned
from runner.service.config.model import OwnFile, Repository
from runner.service.jobs.model import Artifact, ImageKey, Trigger


class LockOrder(msgspec.Struct, frozen=True, kw_only=True, tag="lock"):
    """Plan the image, take the lock of its description or make one, and fetch all packages.

    ``refresh``: resolve anew, whatever lock the description has. ``known`` is the lock file of an earlier build,
    which is the answer where no repository's index changed since.
    """

    url: str
    commit: str
    image: ImageKey
    refresh: bool = False
    known: str = ""
    seconds: float


class BootOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A boot test for disks; ``script`` is run in one by root, with the password in the environment."""

    script: str = ""
    seconds: float


class EarlierBuild(msgspec.Struct, frozen=True, kw_only=True):
    """A build to compare with: ``lock`` is the text of its lock file, ``number`` its release's, 0 for none."""

    manifest: str
    version: str
    number: int
    lock: str
    files: dict[str, int]


class BuildOrder(msgspec.Struct, frozen=True, kw_only=True, tag="build"):
    """Build the image from ``lock``, the text of a lock file, into the folder ``target``; sign it with ``key``.

    A disk has to pass the test ``boot``, where there is one, before it is signed. The release tells what is
    different from ``previous``.
    """

    url: str
    commit: str
    image: ImageKey
    lock: str
    target: Path
    key: Path | None = None
    boot: BootOrder | None = None
    previous: EarlierBuild | None = None
    trigger: Trigger
    attempt: int
    seconds: float


class PublishOrder(msgspec.Struct, frozen=True, kw_only=True, tag="publish"):
    """Publish the release in ``directory``, once for all attempts at the job ``job``."""

    job: str
    directory: Path
    url: str
    channel: str
    mirror_packages: bool = True


class ProposeOrder(msgspec.Struct, frozen=True, kw_only=True, tag="propose"):
    """Put ``lock``, the text of a lock file, onto ``branch``, for the folder ``subdir`` of the built ``commit``.

    ``ref`` is where that commit was found, ``author`` the name and address of whoever commits.
    """

    url: str
    commit: str
    ref: str
    subdir: str
    lock: str
    branch: str
    author: tuple[str, str]
    seconds: float


class ScanOrder(msgspec.Struct, frozen=True, kw_only=True, tag="scan"):
    """Find the descriptions of a commit, and the images that each can give.

    Attributes:
        name: of the repository in the configuration.
        settings: which descriptions and images count; its own ``.packhouse.yaml`` may say otherwise.
        allowed_signers: file of keys, one of which must have signed the commit; None asks for no signature.
        known: folder to digest of descriptions that need no second look.
        arch: machine, as ``uname -m`` calls it.
    """

    name: str
    commit: str
    settings: Repository
    allowed_signers: Path | None = None
    known: dict[str, str] = {}
    arch: str


Order = LockOrder | BuildOrder | PublishOrder | ProposeOrder | ScanOrder


class Locked(msgspec.Struct, frozen=True, kw_only=True, tag="locked"):
    """``text`` is the lock file; equal ``digest``, equal packages; name and version are those that are planned."""

    name: str
    version: str
    text: str
    digest: str


class Built(msgspec.Struct, frozen=True, kw_only=True, tag="built"):
    """A release lies in the target.

    Attributes:
        boot: seconds until it had started, None without a boot test.
        changes: the file that compares it with the one before; empty where there was none.
    """

    manifest: str
    keyid: str
    artifacts: tuple[Artifact, ...]
    boot: float | None = None
    changes: str = ""


class Published(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """The release's place in its channel; ``created`` is False when it was there already."""

    manifest: str
    number: int
    created: bool


class Proposed(msgspec.Struct, frozen=True, kw_only=True, tag="proposed"):
    """``branch`` is pushed, to become part of ``base``; empty where there was nothing to propose.

    Attributes:
        text: the packages that are different, a line each.
    """

    branch: str = ""
    base: str = ""
    title: str = ""
    text: str = ""


class ScannedDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A description as it is at a commit.

    Attributes:
        digest: over all its files; the commit where it cannot be read.
        images: those that can be built; empty where nothing changed.
        problems: why something cannot be built, for people.
    """

    subdir: str
    digest: str
    images: tuple[ImageKey, ...] = ()
    problems: tuple[str, ...] = ()


class Scanned(msgspec.Struct, frozen=True, kw_only=True, tag="scanned"):
    """What a commit has; ``own`` is what its own file says, None without one."""

    descriptions: tuple[ScannedDescription, ...]
    own: OwnFile | None = None


Outcome = Locked | Built | Published | Proposed | Scanned
StepEvent = LogLine | Started | Phase | Warned | Failed | Locked | Built | Published | Proposed | Scanned


def encode_order(order: Order) -> bytes:
    """Encode ``order`` as JSON, paths as strings.

    Settings leave their defaults out: an empty text says "none" there, and is no name that could be read.
    """
    return msgspec.json.encode(order, enc_hook=str)


def decode_order(data: bytes) -> Order:
    """Decode what :func:`encode_order` made."""
    order: Order = msgspec.json.decode(data, type=Order, dec_hook=lambda kind, value: kind(value))
    return order
