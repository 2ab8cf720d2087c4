# SPDX-License-Identifier: Apache-2.0
"""A new ordinary user of this machine with a range of subordinate ids, for as long as a test needs one."""

from __future__ import annotations

import os
import pwd
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.packhouse import PROJECT
from tests.support.subordinate_ids import accounts_locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOOLS = ("useradd", "userdel", "usermod", "newuidmap", "newgidmap", "setpriv", "unshare")
_PRIVATE = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-c")


@dataclass(frozen=True, slots=True)
class User:
    """An account; ``folder`` is its own, and others may look into it."""

    name: str
    uid: int
    gid: int
    folder: Path

    @property
    def become(self) -> tuple[str, ...]:
        """The program that runs another one as this user, who may use our interpreter and checkout."""
        change = f"setpriv --reuid={self.uid} --regid={self.gid} --clear-groups --inh-caps=-all"
        return (*_PRIVATE, f'set -e\n{self._open_up()}exec {change} "$@"', "sh")

    def make(self, *names: str) -> None:
        """Make folders of the user's."""
        for name in names:
            path = self.folder / name
            path.mkdir(parents=True)
            os.chown(path, self.uid, self.gid)

    def _open_up(self) -> str:
        """Commands that show what lies in closed folders (as root's home) in open ones of the same name."""
        closed = {path: top for path in _needed() if (top := _closed(path)) is not None}
        lines = []
        for number, path in enumerate(closed):
            hold = self.folder / f".hold-{number}"
            hold.mkdir(exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(path))} {hold}")
        lines += [
            f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(top))}" for top in sorted(set(closed.values()))
        ]
        for number, path in enumerate(closed):
            place = shlex.quote(str(path))
            lines.append(f"mkdir -p {place}; mount --bind {self.folder}/.hold-{number} {place}")
        return "".join(f"{line}\n" for line in lines)


def missing() -> str:
    """What is not here that this needs; empty when all is."""
    if os.geteuid() != 0:
        return "needs root, to add a user"
    tools = [tool for tool in _TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    return f"not installed: {', '.join(tools)}" if tools else ""


@contextmanager
def ordinary_user() -> Iterator[User]:
    """Add a user, and take exactly that one away again."""
    name = f"packhouse-{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix="packhouse-test-"))  # not below pytest's own, which only root may enter
    folder.chmod(0o755)
    with accounts_locked():
        _run("useradd", "--no-create-home", "--home-dir", str(folder), "--shell", "/bin/sh", name)
    try:
        _give_ranges(name)
        account = pwd.getpwnam(name)
        os.chown(folder, account.pw_uid, account.pw_gid)
        yield User(name, account.pw_uid, account.pw_gid, folder)
    finally:
        with accounts_locked():
            _run("userdel", "--force", name)
        shutil.rmtree(folder, ignore_errors=True)


def _give_ranges(name: str) -> None:
    with accounts_locked():
        for kind in ("uid", "gid"):
            if not any(owner == name for owner, *_ in _ranges(kind)):
                first = _first_free(kind)
                _run("usermod", f"--add-sub{kind}s", f"{first}-{first + 65535}", name)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    assert done.returncode == 0, done.stderr.decode()


def _ranges(kind: str) -> list[list[str]]:
    """Lines of subuid(5) or subgid(5): owner, first id, how many."""
    file = Path(f"/etc/sub{kind}")
    return [line.split(":") for line in file.read_text().splitlines()] if file.exists() else []


def _first_free(kind: str) -> int:
    return max((int(first) + int(count) for _, first, count in _ranges(kind)), default=100000)


def _needed() -> list[Path]:
    """Folders that whoever runs the command must be able to read."""
    found = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), PROJECT.resolve()}
    return sorted(path for path in found if not any(other in path.parents for other in found))


def _closed(path: Path) -> Path | None:
    """The top-most folder on the way to ``path`` that not everybody may enter."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)
