# SPDX-License-Identifier: Apache-2.0
"""Compile what people write into what is loaded: ``python -m runner.description.schema.compiler``.

``rnc/*.rnc``, RELAX NG in compact syntax, becomes one grammar in XML syntax, which is what libraries and editors
read, and that becomes rules in JSON, which load in a millisecond. So does ``rows/*.yaml``, the table of the whole
language. All results are shipped; a test compares them with their sources.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml

from runner.description.schema.grammar import RULES
from runner.description.schema.relaxng import compiled, read_grammar
from runner.description.schema.table import TABLE, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
GRAMMAR = HERE / "compiled" / "kiwi.rng"

_LICENCE = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"


def compile_grammar() -> str:
    """Return the grammar in XML syntax, from its compact source with all that it includes."""
    from rnc2rng import dumps, load

    declaration, _, body = dumps(load(str(HERE / "rnc" / "kiwi.rnc"))).partition("\n")
    return f"{declaration}\n{_LICENCE}{body.rstrip()}\n"


def compile_rules(grammar: str) -> str:
    """Return the rules of a grammar in XML syntax as JSON, one rule a line."""
    return _lines(compiled(read_grammar(grammar)))


def compile_table() -> str:
    """Return the table as JSON, one page a line, in the order of the pages' names.

    Raises:
        msgspec.ValidationError: a row has an unknown field or a wrong value; the message says where.
    """
    pages = []
    for path in sorted((HERE / "rows").glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        pages.append(msgspec.convert({"name": path.stem.partition("-")[2], **document}, Page))
    return _lines(pages)


def _lines(entries: Sequence[msgspec.Struct]) -> str:
    """Return a JSON list with one entry a line, so that changes of it can be read."""
    lines = ",\n".join(msgspec.json.encode(entry).decode() for entry in entries)
    return f"[\n{lines}\n]\n"


def main() -> None:
    """Write all results anew."""
    grammar = compile_grammar()
    GRAMMAR.write_text(grammar, encoding="utf-8")
    RULES.write_text(compile_rules(grammar), encoding="utf-8")
    TABLE.write_text(compile_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
