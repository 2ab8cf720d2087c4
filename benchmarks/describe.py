# SPDX-License-Identifier: Apache-2.0
"""How long 4,000 lines of XML, or the same in another syntax, take to load, upgrade, check and plan.

Every run is a process of its own, and what a Python that does nothing takes is subtracted. Two packages that only
developers have, and that lxml and msgspec import where they find them, are kept away.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 4000
_RUNS = 15
_ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""As an installation has it: modules are compiled once."""

_LOAD = """\
import sys
sys.modules["rnc2rng"] = sys.modules["typing_extensions"] = None
from pathlib import Path
from runner.description.loader import load
from runner.description.rules import refuse_errors
from runner.plan.make import make_plan
from runner.plan.select import select
description = load(Path(sys.argv[1]))
chosen = select(description, arch="x86_64")
refuse_errors(description, chosen)
print(len(make_plan(description, arch="x86_64").packages.image))
"""
_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="6.9" name="long">
  <description type="system">
    <author>A</author>
    <contact>a@example.org</contact>
    <specification>A long one</specification>
  </description>
  <profiles>
"""
_MIDDLE = """\
  </profiles>
  <preferences>
    <version>1.0.0</version>
    <packagemanager>apt-get</packagemanager>
    <locale>en_US</locale>
    <type image="vmx" filesystem="ext4" bootloader="grub2" format="qcow2"/>
    <type image="tbz" primary="true"/>
  </preferences>
  <users>
    <user name="root" password="$6$salt$hash" groups="root"/>
  </users>
  <repository type="apt-deb" distribution="bookworm">
    <source path="mirror://debian"/>
  </repository>
"""
_PROFILES, _SECTION = 40, 25


def description(lines: int = LINES) -> str:
    """Return a description of ``lines`` lines at schema 6.9: profiles, and sections of packages bound to them."""
    parts = [_HEAD]
    parts += [f'    <profile name="profile-{n}" description="number {n}"/>\n' for n in range(_PROFILES)]
    parts.append(_MIDDLE)
    number = 0
    while sum(part.count("\n") for part in parts) < lines - 1 - _SECTION - 2:
        bound = f' profiles="profile-{number % _PROFILES}"' if number % 3 else ""
        parts.append(f'  <packages type="image"{bound}>\n')
        arch = ' arch="x86_64,aarch64"'
        parts += [
            f'    <package name="package-{number}-{n}"{arch if n % 9 == 0 else ""}/>\n' for n in range(_SECTION)
        ]
        parts.append("  </packages>\n")
        number += 1
    missing = lines - 1 - sum(part.count("\n") for part in parts)
    return "".join([*parts, "  <!-- the rest -->\n" * missing, "</image>\n"])


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"processes for each figure; default {_RUNS}")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="packhouse-bench-") as work:
        folders = _written(Path(work))
        nothing = _median([sys.executable, "-c", ""], runs)
        print(f"a description of {LINES} lines at schema 6.9; median of {runs} processes\n")
        print("| syntax | lines | beyond the start of Python |\n| --- | ---: | ---: |")
        for syntax, folder in folders.items():
            _once([sys.executable, "-c", _LOAD, str(folder)])
            took = _median([sys.executable, "-c", _LOAD, str(folder)], runs) - nothing
            lines = (folder / "config.xml").read_text(encoding="utf-8").count("\n")
            print(f"| {syntax} | {lines} | {took * 1000:.0f} ms |")
        print(f"\nPython itself starts in {nothing * 1000:.0f} ms.")
    return 0


def _written(work: Path) -> dict[str, Path]:
    """Write the description in every syntax; those besides XML with packhouse itself."""
    folders = {}
    for syntax in ("xml", "yaml", "toml", "json"):
        folder = work / syntax
        folder.mkdir()
        file = folder / "config.xml"
        file.write_text(description(), encoding="utf-8")
        if syntax != "xml":
            _convert(folder, file, syntax)
        folders[syntax] = folder
    return folders


def _convert(folder: Path, file: Path, syntax: str) -> None:
    argv = [sys.executable, "-m", "runner", "-q", "upgrade", str(folder), "--to", syntax]
    text = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
    file.write_text(text, encoding="utf-8")


def _median(argv: list[str], runs: int) -> float:
    return statistics.median(_once(argv) for _ in range(runs))


def _once(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
