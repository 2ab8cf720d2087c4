# SPDX-License-Identifier: Apache-2.0
"""What a sandbox does for the rest of the house: run one program inside a tree, cut off from everything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from runner.process import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.process import Completed, LineSink


@dataclass(frozen=True, slots=True)
class Bind:
    """A path of this machine shown inside the tree; the mount point is made when missing and removed after."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One program to run with the tree as its root directory.

    Attributes:
        root: the tree; it becomes ``/`` and is writable.
        argv: program (looked up in the tree's PATH) and arguments.
        env: added to the fixed environment (PATH, LC_ALL, TZ, HOME, SOURCE_DATE_EPOCH is the caller's).
        cwd: working directory inside the tree.
        what: name of the action for errors, such as ``config.sh``.
    """

    root: Path
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    binds: tuple[Bind, ...] = ()
    stdin: bytes | None = None
    limits: Limits = Limits()
    what: str = ""


Isolation = Literal["bwrap", "unshare", "chroot"]
"""How a sandbox isolates, strongest first; goes into the manifest."""


class Sandbox(Protocol):
    """A way to run a :class:`Command`: no network, own process tree, fixed host name, cleared environment."""

    mode: ClassVar[Isolation]

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:
        """Run ``command`` to its end.

        Raises:
            BuildError: it exited non-zero and ``check`` is set; the last lines of output are in the error.
            LimitError: over its limits; everything it started is dead.
        """
        ...
