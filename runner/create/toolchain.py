# SPDX-License-Identifier: Apache-2.0
"""Which packing tools are here, exactly: equal bytes are promised for equal tools."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from runner.digest import digest_of, sha256_file
from runner.errors import HostError
from runner.packages.lock import Tool
from runner.process import run, tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION_OPTION = {"debugfs": "-V", "mke2fs": "-V", "mkfs.xfs": "-V", "mksquashfs": "-version", "xfs_repair": "-V"}
_VERSION = re.compile(r"\b\d+\.\d+(?:\.\d+)*\b")
_LIBRARY = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")


def discover(names: Iterable[str]) -> tuple[Tool, ...]:
    """Return the tools called ``names``, sorted by name.

    ``digest`` covers the program and the libraries the dynamic linker gives it: a new liblzma changes what xz
    writes.

    Raises:
        HostError: one is not installed.
    """
    return tuple(_tool(name) for name in sorted(set(names)))


def toolchain_digest(tools: Iterable[Tool]) -> str:
    """Return one digest over ``tools``: the part of a step's key that stands for them."""
    return digest_of([(tool.name, tool.digest) for tool in tools])


def _tool(name: str) -> Tool:
    found = shutil.which(name, path=tool_environment()["PATH"])
    if found is None:
        raise HostError(f"the program {name} is not installed", hint="run: packhouse doctor")
    path = Path(found).resolve()
    combined = hashlib.sha256()
    for file in (path, *_libraries(path)):
        combined.update(f"{file.name} {sha256_file(file)}\n".encode())
    return Tool(name=name, version=_version(name, found), digest=combined.hexdigest())


def _libraries(program: Path) -> list[Path]:
    """Return the shared libraries of ``program``, sorted; none for a static one."""
    listed = run(("ldd", program), check=False).stdout.decode("utf-8", "replace")
    return sorted({Path(match) for match in _LIBRARY.findall(listed)}, key=lambda path: path.name)


def _version(name: str, program: str) -> str:
    said = run((program, _VERSION_OPTION.get(name, "--version")), check=False)
    text = "\n".join((said.stdout.decode("utf-8", "replace"), *said.tail))
    match = _VERSION.search(text)
    return match.group() if match else "unknown"
