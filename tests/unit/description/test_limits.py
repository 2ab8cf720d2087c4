# SPDX-License-Identifier: Apache-2.0
"""Hostile files are refused within bounds of time and memory that the kernel enforces."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.description.formats.limits import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10
"""Of processor time, start of the interpreter included; an attack that works takes minutes."""

MEMORY = 1 << 30
"""Of address space, of which the interpreter and its libraries take a fifth."""

PROGRAM = f"""
import resource, sys
from pathlib import Path
from runner.description import load
from runner.errors import DescriptionError
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
try:
    load(Path(sys.argv[1]))
except DescriptionError as error:
    print(error)
else:
    print("loaded")
"""

M = 1_000_000


def lettered(first: bytes, row: bytes, rows: int) -> bytes:
    """``first``, then ``row`` with %1 a new letter and %0 the letter before it, for each of ``rows``."""
    letters = [bytes([ord("b") + number]) for number in range(rows)]
    before = [b"a", *letters]
    return first + b"".join(
        row.replace(b"%1", one).replace(b"%0", old) for one, old in zip(letters, before, strict=False)
    )


ATTACKS = {
    "xml nested": (b"<image>" + b"<a>" * M + b"</a>" * M, "larger than|elements"),
    "xml siblings": (b"<image>" + b"<a/>" * (M - 10) + b"</image>", "elements"),
    "xml attributes": (
        b"<image " + b"".join(b"a%d='' " % number for number in range(300_000)) + b"/>",
        "schemaversion",
    ),
    "xml comments": (b"<image>" + b"<!---->" * 500_000 + b"</image>", "elements"),
    "xml texts": (b"<image>" + b"x&amp;" * 600_000 + b"</image>", "schemaversion"),
    "xml huge attribute": (b"<image name='" + b"x" * (MAX_BYTES - 20) + b"'/>", "schemaversion"),
    "xml ids": (b"<image>" + b"<a xml:id='x'/>" * 50_000 + b"</image>", "well-formed|schemaversion"),
    "yaml nested": (b"image: " + b"[" * M, "nest deeper"),
    "yaml nested tables": (b"image: " + b"{a: " * M, "nest deeper"),
    "yaml siblings": (b"image:\n  a:\n" + b"  - x\n" * 600_000, "values"),
    "yaml bomb": (
        lettered(b"image:\n a: &a {x: [1,2,3,4]}\n", b" %1: &%1 {p: *%0, q: *%0, r: *%0, s: *%0}\n", 20),
        "elements",
    ),
    "yaml text bomb": (b"image:\n a: &a " + b"x" * M + b"\n b: [" + b"*a," * 150_000 + b"]\n", "unfolds to"),
    "yaml merge bomb": (
        b"image:\n a: &a\n"
        + b"".join(b"  k%d: 1\n" % number for number in range(1000))
        + b"".join(b" c%d:\n  <<: *a\n" % number for number in range(10_000)),
        "values",
    ),
    "yaml comments": (b"image:\n" + b"#\n" * (2 * M) + b" a: b", "values"),
    "json nested": (b'{"image":' * 400_000, "nest deeper"),
    "json lists": (b'{"image":' + b"[" * M, "nest deeper"),
    "json siblings": (b'{"image": {"a": [' + b"1," * M + b"1]}}", "values"),
    "toml nested": (b"[image]\na = " + b"[" * M, "nest deeper"),
    "toml long key": (b"image." + b"a." * 100 + b"b = 1\n", "begins like none|64 parts"),
    "toml long keys": (b"[image]\n" + b"a." * M + b"b = 1\n", "64 parts"),
    "toml heads": (b"[[image.a]]\n" * 340_000, "values"),
    "toml comments": (b"[image]\n" + b"#\n" * (2 * M), "values"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_time_and_memory_are_bounded(tmp_path: Path, name: str) -> None:
    data, message = ATTACKS[name]
    (tmp_path / "config.xml").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    assert done.stdout.startswith("config.xml")
    assert any(part in done.stdout for part in message.split("|")), done.stdout[:500]
    assert len(done.stdout) < 1000
