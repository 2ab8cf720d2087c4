# SPDX-License-Identifier: Apache-2.0
"""Run the real command as a process of its own, as a user would, in an environment that holds nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
_KEPT = ("PATH", "LANG", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PREFIX = "PACKHOUSE_MIRROR_"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: its exit code and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The result."""
        return json.loads(self.stdout)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a run that failed; the last thing it says."""
        error: dict[str, Any] = json.loads(self.stderr.splitlines()[-1])["error"]
        return error

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True, slots=True)
class Packhouse:
    """The command with its own store, home and folder for temporary files, all below ``base``.

    ``store`` may be another one, shared with others so that packages are fetched once. ``wrapper`` is a program,
    with its arguments, that runs the command in other circumstances.
    """

    base: Path
    store: Path
    env: dict[str, str] = field(default_factory=dict)
    wrapper: tuple[str, ...] = ()

    @property
    def temporary(self) -> Path:
        """TMPDIR of every run: must be empty when none is running."""
        return self.base / "tmp"

    def run(
        self,
        *args: str | Path,
        expect: int | None = 0,
        env: dict[str, str] | None = None,
        store: Path | None = None,
        timeout: float = 400,
    ) -> Outcome:
        """Run ``packhouse --json ARGS``; the exit code must be ``expect`` (None: any) and no traceback may show.

        Raises:
            AssertionError: it is not so; the message holds all that was said.
        """
        done = subprocess.run(
            [*self.wrapper, sys.executable, "-m", "runner", "--json", "--store", store or self.store, *args],
            cwd=self.home(),
            env={**self.environment(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        said = f"packhouse {' '.join(map(str, args))}\n{done.stdout}\n{done.stderr}"
        assert expect in {None, done.returncode}, f"exit code {done.returncode}, not {expect}: {said}"
        assert "Traceback" not in said, said
        return Outcome(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str | Path) -> subprocess.Popen[str]:
        """Start ``packhouse ARGS`` in a process group of its own, as a shell does."""
        return subprocess.Popen(
            [*self.wrapper, sys.executable, "-m", "runner", "--store", self.store, *args],
            cwd=self.home(),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def home(self) -> Path:
        """HOME, and where every run is started."""
        home = self.base / "home"
        for folder in (home, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        return home

    def environment(self) -> dict[str, str]:
        """All that a run knows of its surroundings."""
        return {**_inherited(), "HOME": str(self.base / "home"), "TMPDIR": str(self.temporary), **self.env}

    def with_env(self, **more: str) -> Packhouse:
        """The same command with more in its environment."""
        return replace(self, env={**self.env, **more})

    def inside(self, *wrapper: str) -> Packhouse:
        """The same command, run by the program ``wrapper``."""
        return replace(self, wrapper=wrapper)

    def leftovers(self) -> list[str]:
        """What runs have left where only running ones may have something."""
        places = (self.temporary, self.store / "staging")
        return sorted(str(entry) for place in places if place.is_dir() for entry in place.iterdir())


def _inherited() -> dict[str, str]:
    """What must be known of this machine, and the code under test, but no setting of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_PREFIX)}
    return {**kept, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
