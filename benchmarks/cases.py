# SPDX-License-Identifier: Apache-2.0
"""What is measured: each case is one command, with what makes the ground ready for it."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import measure
from peers import Kiwi, MissingError, Mmdebstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.packages.mirrors import Mirrors

DESCRIPTION = Path(__file__).parent / "description"
DISK = Path(__file__).parent / "disk"
PACKHOUSE = Path(sys.executable).parent / "packhouse"

_INSTALLED = """\
import sys
sys.modules["rnc2rng"] = sys.modules["typing_extensions"] = None
from runner.__main__ import main
main()
"""
"""The command without two packages that only developers have, and that lxml and msgspec import where they are."""

_PHASE = re.compile(r"^(?P<name>[a-z][a-z. ]*?) +(?:(?P<seconds>[0-9.]+) s|cached)(?:  .*)?$")


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the report.

    Attributes:
        group: cases of a group take turns and are compared with its first one, the reference.
        argv: the command.
        ready: makes the ground ready, unmeasured, before every run.
        made: what the command makes.
        limit: what we promise: the ratio to the reference.
        seconds: what else we promise: the time.
        check: raises a MissingError when the case cannot run here.
    """

    name: str
    group: str
    argv: tuple[str, ...]
    ready: Callable[[], None]
    made: tuple[Path, ...] = ()
    limit: float | None = None
    seconds: float | None = None
    check: Callable[[], None] = field(default=lambda: None)
    after: Callable[[], None] = field(default=lambda: None)

    def run(self, log: Path) -> measure.Sample:
        """Run once.

        Raises:
            measure.CommandFailedError: it did not end well.
        """
        self.ready()
        try:
            usage = measure.run(self.argv, log)
        finally:
            self.after()
        return measure.Sample(
            usage.wall, usage.cpu, usage.peak, measure.size_of(self.made), phases(log.read_text(errors="replace"))
        )


def phases(log: str) -> dict[str, float]:
    """Read the phases that packhouse tells of as it goes."""
    found = (_PHASE.match(line) for line in log.splitlines())
    return {match["name"].strip(): float(match["seconds"] or 0) for match in found if match}


def all_cases(work: Path, cache: Path, mirrors: Mirrors) -> list[Case]:
    """Every case, the reference of each group first. Files go below ``work``; tools are kept in ``cache``."""
    return [
        *_prepare_cases(work, Mmdebstrap(mirrors)),
        *_build_cases(work, kiwi(cache, mirrors)),
        *_disk_cases(work, kiwi(cache, mirrors)),
        *_start_cases(work),
    ]


def kiwi(cache: Path, mirrors: Mirrors) -> Kiwi:
    """KIWI as it is kept in ``cache``."""
    return Kiwi(cache / "kiwi", mirrors)


def _prepare_cases(work: Path, mmdebstrap: Mmdebstrap) -> list[Case]:
    root = work / "root"
    ground = _Ground(work)

    def peer(name: str, *, same_set: bool) -> Case:
        argv = tuple(mmdebstrap.argv(root, same_set=same_set))
        return Case(name, "prepare", argv, lambda: _remove(root), (root,), check=mmdebstrap.check)

    def ours(name: str, store: Path, ready: Callable[[], None], limit: float | None, lock: Path) -> Case:
        argv = _packhouse(store, "prepare", lock, "--root", root)
        return Case(
            f"packhouse prepare, {name}", "prepare", argv, _all(ready, lambda: _remove(root)), (root,), limit
        )

    return [
        peer("mmdebstrap", same_set=False),
        ours("cold", ground.cold, ground.empty, 0.9, DESCRIPTION),
        ours("store and lock", ground.warm, ground.without_layers, 0.6, ground.locked),
        ours("finished layers", ground.warm, ground.with_layers, None, ground.locked),
        peer("mmdebstrap, the same 99 packages", same_set=True),
    ]


def _build_cases(work: Path, peer: Kiwi) -> list[Case]:
    ground = _Ground(work)
    result = "benchmark.x86_64-1.0.0.tar.xz"

    def ours(name: str, store: Path, before: Callable[[], None], limit: float | None, source: Path) -> Case:
        out = work / "out"
        argv = _packhouse(store, "build", source, "--type", "tbz", "--target-dir", out)
        return Case(
            f"packhouse build, {name}",
            "build",
            argv,
            _all(before, lambda: _remove(out)),
            (out / result,),
            limit,
        )

    return [
        _kiwi_case("build", work, peer, DESCRIPTION, result),
        ours("cold", ground.cold, ground.empty, 0.6, DESCRIPTION),
        ours("finished layers", ground.warm, ground.with_layers, None, ground.locked),
    ]


def _disk_cases(work: Path, peer: Kiwi) -> list[Case]:
    ground = _Ground(work / "disk", DISK)
    out, result = work / "disk-out", "benchmark-disk.x86_64-1.0.0.qcow2"

    def ours(name: str, store: Path, before: Callable[[], None], source: Path, limit: float | None) -> Case:
        argv = _packhouse(store, "build", source, "--target-dir", out)
        ready = _all(before, lambda: _remove(out))
        return Case(f"packhouse disk, {name}", "disk", argv, ready, (out / result,), limit)

    changed = ours("another overlay file", ground.warm, ground.changed, ground.locked, None)
    return [
        _kiwi_case("disk", work, peer, DISK, result),
        ours("cold", ground.cold, ground.empty, DISK, 0.33),
        replace(changed, seconds=8),
    ]


def _kiwi_case(group: str, work: Path, peer: Kiwi, description: Path, result: str) -> Case:
    image, name = ("oem", "KIWI, disk") if group == "disk" else ("tbz", "KIWI")
    theirs, target, cache = (work / f"kiwi-{image}-{place}" for place in ("description", "out", "cache"))

    def ready() -> None:
        for path in (theirs, target, cache):
            _remove(path)
        peer.describe(description, theirs)

    argv = tuple(peer.argv(theirs, target, cache, image))
    return Case(name, group, argv, ready, (target / result,), check=lambda: peer.check(image), after=peer.clean)


def _start_cases(work: Path) -> list[Case]:
    ground = _Ground(work)
    out = work / "unchanged"
    command = _packhouse(ground.warm, "build", ground.locked, "--type", "tbz", "--target-dir", out)
    build = (sys.executable, "-c", _INSTALLED, *command[1:])

    def built() -> None:
        ground.with_layers()
        if not out.exists():
            measure.run(build, work / "unchanged.log")

    return [
        Case("packhouse --version", "start", (str(PACKHOUSE), "--version"), lambda: None, seconds=0.06),
        Case("packhouse build, unchanged", "start", build, built, seconds=0.3),
    ]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Stores and descriptions in the states that cases start from."""

    work: Path
    description: Path = DESCRIPTION

    @property
    def cold(self) -> Path:
        return self.work / "cold-store"

    @property
    def warm(self) -> Path:
        return self.work / "warm-store"

    @property
    def locked(self) -> Path:
        """A copy of the description with a lock beside it."""
        return self.work / "locked"

    def empty(self) -> None:
        _remove(self.cold)

    def filled(self) -> None:
        if self.locked.exists():
            return
        self.work.mkdir(exist_ok=True)
        shutil.copytree(self.description, self.locked)
        measure.run(_packhouse(self.warm, "lock", self.locked), self.work / "lock.log")

    def without_layers(self) -> None:
        self.filled()
        _remove(self.warm / "layers")

    def with_layers(self) -> None:
        self.filled()
        root = self.work / "first-root"
        if not any(self.warm.glob("layers/*")):
            measure.run(_packhouse(self.warm, "prepare", self.locked, "--root", root), self.work / "layers.log")
            _remove(root)

    def changed(self) -> None:
        """The image was built before, and an overlay file is another one than in any build."""
        self.filled()
        out = self.work / "first-build"
        if not out.exists():
            measure.run(_packhouse(self.warm, "build", self.locked, "--target-dir", out), self.work / "build.log")
        file = self.locked / "root" / "etc" / "motd"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{time.monotonic_ns()}\n")


def _packhouse(store: Path, command: str, source: Path, *rest: str | Path) -> tuple[str, ...]:
    return (str(PACKHOUSE), "--store", str(store), command, str(source), *(str(item) for item in rest))


def _all(*steps: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for step in steps:
            step()

    return run


def _remove(path: Path) -> None:
    """Put ``path`` out of the way; it is deleted with everything else at the end.

    Not at once: ext4 gives no inode out again for minutes after a deletion and looks at each of them on every
    creation, so whoever comes after the deletion of a tree would pay for it, several times the cost of the work.
    """
    if path.exists():
        path.rename(tempfile.mkdtemp(prefix="removed-", dir=path.parent) + "/it")


__all__ = ["DESCRIPTION", "Case", "MissingError", "all_cases", "kiwi", "phases"]
