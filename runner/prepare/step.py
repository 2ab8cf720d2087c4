# SPDX-License-Identifier: Apache-2.0
"""What every step of prepare gets beside its own inputs: the tree it works on and how it runs programs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import BuildError
from runner.prepare.paths import TreePaths
from runner.process import Limits
from runner.sandbox.api import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.process import Completed, LineSink
    from runner.sandbox.api import Bind, Sandbox


@dataclass(frozen=True, slots=True)
class Bench:
    """The tree under work.

    Attributes:
        root: folder of the tree on this machine.
        epoch: time for everything that is new, in seconds since 1970.
        sandbox: runs the tree's own programs.
        sink: takes the output of those programs, and our warnings when ``warning`` is not set.
        limits: bounds of each program.
        warning: takes our warnings.
    """

    root: Path
    epoch: int
    sandbox: Sandbox
    sink: LineSink | None = None
    limits: Limits = Limits()
    warning: LineSink | None = None

    @property
    def paths(self) -> TreePaths:
        return TreePaths(self.root)

    def run(
        self,
        *argv: str,
        what: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        binds: tuple[Bind, ...] = (),
    ) -> Completed:
        """Run a program of the tree; see :meth:`runner.sandbox.api.Sandbox.run` for what it raises."""
        base = {"SOURCE_DATE_EPOCH": str(self.epoch), "DEBIAN_FRONTEND": "noninteractive"}
        command = Command(
            root=self.root,
            argv=argv,
            env={**(env or {}), **base},
            binds=binds,
            stdin=stdin,
            limits=self.limits,
            what=what,
        )
        return self.sandbox.run(command, sink=self.sink)

    def require(self, program: str, *, package: str, purpose: str) -> None:
        """Check that the tree has ``program``.

        Raises:
            BuildError: it has not; the error names the ``package`` to add.
        """
        for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
            if self.paths.exists(f"{folder}/{program}"):
                return
        raise BuildError(
            f"the image has no {program}, which {purpose} needs",
            hint=f'add <package name="{package}"/> to the packages of the description',
        )

    def warn(self, text: str) -> None:
        """Tell of something odd that does not stop the build."""
        if self.warning is not None:
            self.warning(text)
        elif self.sink is not None:
            self.sink(f"warning: {text}")
