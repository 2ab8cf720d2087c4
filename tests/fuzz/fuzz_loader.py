#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feed the loader of descriptions what a coverage-guided fuzzer thinks up: all syntaxes, includes and the upgrade.

    fuzz_loader.py [CORPUS] [libFuzzer options, for instance -max_total_time=60]

Any way out but a tree or a DescriptionError is a crash; the input is kept as ``crash-…`` in the working folder.
What loads is also rewritten in each syntax, which must read back.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["runner.description"]):
    from runner.description.formats import SYNTAXES, parse
    from runner.description.formats.decode import decode
    from runner.description.formats.layout import remember, restore
    from runner.description.formats.limits import MAX_ELEMENTS
    from runner.description.loader import load
    from runner.description.rewrite import rewrite
    from runner.description.upgrade import upgrade

    for name in (*SYNTAXES, "printing", "tree", "values_of"):
        importlib.import_module(f"runner.description.formats.{name}")

from runner.errors import DescriptionError

SEEDS = (
    """<?xml version="1.0" encoding="utf-8"?>
<!-- c --><image schemaversion="6.9" name="a"><preferences>
<version>1</version><type image="vmx" bootloader="grub2"
 vga="1"/></preferences><include from="b.xml"/></image>
""",
    """image: # c
  "@name": a
  "@schemaversion": 7.5
  preferences: &a
    - version: |
        1
      <<: {x: y}
  b: *a
""",
    '{"image": {"@name": "a", "@schemaversion": "8.0", "users": {"user": [{"@name": 1.0, "#text": null}]}}}',
    """# c
[image]
"@name" = "a"
"@schemaversion" = '8.5'
b = ["x", 1.10, {c.d = true}]
[[image.users]]
""",
)
WHERE = Path(tempfile.mkdtemp(prefix="fuzz-loader-"))


def one_input(data: bytes) -> None:
    """Load it as a main file, then take it through upgrade and printing on its own."""
    (WHERE / "config.xml").write_bytes(data)
    with contextlib.suppress(DescriptionError):
        load(WHERE)
    with contextlib.suppress(DescriptionError):
        for syntax in SYNTAXES:
            (again,) = rewrite(WHERE, to=syntax)[:1]
            _must_read(again.after)
    with contextlib.suppress(DescriptionError):
        _print_as_it_was(data)


def _must_read(data: bytes) -> None:
    try:
        parse(data, "printed")
    except DescriptionError as error:
        if not any(word in error.what for word in ("larger", "more than", "deeper", "unfolds")):
            raise AssertionError(f"what was printed does not read: {error}") from error


def _print_as_it_was(data: bytes) -> None:
    """An XML document that no step changes is printed as its source."""
    root = parse(data, "config.xml")
    text = decode(data, "config.xml")
    if not text.lstrip().startswith("<") or len(text) > MAX_ELEMENTS:
        return
    layout = remember(root, text)
    upgrade(root, default="8.5")
    _must_read(restore(root, layout).encode())


def main() -> None:
    options = sys.argv[1:]
    if not any(not option.startswith("-") for option in options):
        corpus = WHERE / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(SEEDS):
            (corpus / f"seed-{number}").write_text(seed)
        options.append(str(corpus))
    (WHERE / "b.xml").write_text('<image><users><user name="a" password="x"/></users></image>')
    atheris.Setup([sys.argv[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
