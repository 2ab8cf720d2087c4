# SPDX-License-Identifier: Apache-2.0
"""Whole builds of the tiny distribution that are meant to go wrong, and the eyes to see what they leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.support.packhouse import Outcome, Packhouse
    from tests.support.tiny import Tiny


@dataclass(frozen=True, slots=True)
class Bench:
    """One setup, one store, and the eyes to see what is left behind."""

    setup: Tiny
    command: Packhouse
    base: Path

    @property
    def target(self) -> Path:
        return self.base / "results" / "out"

    @property
    def storage(self) -> Path:
        return self.base / "storage"

    def build(self, *args: str | Path, expect: int | None, source: str | Path = "", **env: str) -> Outcome:
        """Build; after a failure nothing may be left."""
        before = self.mounts()
        done = self.command.with_env(**self.setup.environment, **env).run(
            *self.arguments(*args, source=source), expect=expect
        )
        assert self.mounts() == before
        self.nothing_left(built=done.exit_code == 0)
        if expect:
            assert done.error["what"], done.said
        return done

    def mounts(self) -> list[str]:
        """What is mounted below our folder: other tests mount things too."""
        return [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.base) in line]

    @property
    def nap(self) -> str:
        """So many seconds sleep the hanging programs of this bench, and no other's."""
        return f"9{zlib.crc32(str(self.base).encode())}"

    def hangs(self) -> bool:
        return runs("sleep", self.nap)

    def wake(self) -> None:
        """End what sleeps, so that who waits for it goes on."""
        for pid in pids_of("sleep", self.nap):
            os.kill(pid, signal.SIGTERM)

    def arguments(self, *args: str | Path, source: str | Path = "") -> list[str | Path]:
        return ["build", source or self.setup.description, "--target-dir", self.target, *args]

    def nothing_left(self, *, built: bool = False) -> None:
        assert self.command.leftovers() == []
        assert processes_of(self.base) == []
        results = self.target.parent
        assert (
            [path.name for path in results.iterdir()] == (["out"] if built else [])
            if results.exists()
            else not built
        )
        if not built:
            assert not [path for path in self.storage.rglob("*") if "channels" in path.parts]

    def start(self, *args: str | Path, source: str | Path = "", **env: str) -> subprocess.Popen[str]:
        """Start a build in a process group of its own, as a shell does."""
        return self.command.with_env(**self.setup.environment, **env).start(*self.arguments(*args, source=source))


def processes_of(base: Path) -> list[str]:
    """Command lines of living processes that name something below ``base`` or work there."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if "gpg-agent" not in line and (str(base) in line or place.startswith(str(base))):
            found.append(line)
    return found


def runs(*argv: str) -> bool:
    """Whether a process with exactly these arguments lives."""
    return bool(pids_of(*argv))


def pids_of(*argv: str) -> list[int]:
    """The living processes with exactly these arguments."""
    wanted, found = "\0".join(argv).encode() + b"\0", []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes() == wanted:
                found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], bool], child: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the build never got there"
        time.sleep(0.05)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)
