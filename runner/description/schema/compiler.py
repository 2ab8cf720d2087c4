# SPDX-License-Identifier: Apache-2.0
"""Compile what people write into what is loaded: ``python -m runner.description.schema.compiler``.

``rnc/*.rnc``, RELAX NG in compact syntax, becomes one grammar in XML syntax, which is what libraries and editors
read. ``rows/*.yaml``, the table of the whole language, becomes one JSON file, which loads in less than a
millisecond. Both results are shipped; a test compares them with their sources.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from runner.description.schema.table import TABLE, Page

HERE = Path(__file__).parent
GRAMMAR = HERE / "compiled" / "kiwi.rng"

_LICENCE = "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"


def compile_grammar() -> str:
    """Return the grammar in XML syntax, from its compact source with all that it includes."""
    from rnc2rng import dumps, load

    declaration, _, body = dumps(load(str(HERE / "rnc" / "kiwi.rnc"))).partition("\n")
    return f"{declaration}\n{_LICENCE}{body.rstrip()}\n"


def compile_table() -> str:
    """Return the table as JSON, one page a line, in the order of the pages' names.

    Raises:
        msgspec.ValidationError: a row has an unknown field or a wrong value; the message says where.
    """
    pages = []
    for path in sorted((HERE / "rows").glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        pages.append(msgspec.convert({"name": path.stem.partition("-")[2], **document}, Page))
    lines = ",\n".join(msgspec.json.encode(page).decode() for page in pages)
    return f"[\n{lines}\n]\n"


def main() -> None:
    """Write both results anew."""
    GRAMMAR.write_text(compile_grammar(), encoding="utf-8")
    TABLE.write_text(compile_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
