# SPDX-License-Identifier: Apache-2.0
"""A tiny root tree from this machine's own programs and the libraries they need: no package, no network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = (
    *("sh", "cat", "chmod", "chown", "echo", "env", "hostname", "id", "kill", "ln", "ls", "mkdir", "mknod"),
    *("perl", "readlink", "setpriv", "setsid", "sleep", "stat", "touch", "true", "yes"),
)
"""``perl`` (its base part is on every Debian) can make any system call."""

_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")


def build(root: Path, programs: tuple[str, ...] = PROGRAMS) -> Path:
    """Make a tree in the folder ``root`` and return it."""
    (root / "bin").mkdir(parents=True)
    for name in programs:
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        assert found, f"the tests need {name}"
        shutil.copy2(found, root / "bin" / name)
        for library in _libraries(Path(found)):
            target = root / library.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, target)
    if "perl" in programs:
        _copy_perl_modules(root)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "tmp").mkdir(mode=0o777)
    (root / "tmp").chmod(0o1777)
    return root


def _libraries(program: Path) -> list[Path]:
    listed = subprocess.run(["ldd", program], capture_output=True, check=False, text=True).stdout
    return [Path(found) for found in _LIBRARY.findall(listed)]


def _copy_perl_modules(root: Path) -> None:
    """Copy what ``use Socket`` and friends load: whatever this machine's perl says it loaded."""
    program = (
        "use strict; use warnings; use POSIX; use Socket; use IO::Handle; print map { qq($_\\n) } values %INC"
    )
    loaded = subprocess.run(["/usr/bin/perl", "-e", program], capture_output=True, check=True, text=True).stdout
    folders = {Path(line).parent for line in loaded.splitlines()}
    for file in map(Path, loaded.splitlines()):
        _copy(root, file)
    for folder in folders:  # the compiled halves
        for half in ("POSIX/POSIX.so", "Socket/Socket.so", "IO/IO.so", "Fcntl/Fcntl.so"):
            if (folder / "auto" / half).exists():
                _copy(root, folder / "auto" / half)


def _copy(root: Path, file: Path) -> None:
    target = root / file.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)
