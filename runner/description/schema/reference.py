# SPDX-License-Identifier: Apache-2.0
"""Write the reference of the language: ``python -m runner.description.schema.reference docs/reference``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.description.schema.suggest import every_rule
from runner.description.schema.table import pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.description.schema.table import Attribute, Element, Fact, Page

_INDEX = """\
# Reference of image descriptions

Every element and attribute that a description may have, at schema version 8.5. Older documents are upgraded to it
when they are read. These pages are made from the table and the grammar that descriptions are checked with.

"""
_COUNTS = {"1": "exactly one", "?": "at most one", "*": "any number", "+": "one or more"}
_KEY = """\
Values named like *this* are told in [kinds of values](values.md). "Since" is the release of KIWI that brought an
item; nothing stands there for 9.0 and before."""


def reference() -> dict[str, str]:
    """Return the text of every page, by the name of its file."""
    files = {f"{page.name}.md": _page(page) for page in pages()}
    links = [f"- [{page.title}]({page.name}.md)\n" for page in pages()]
    return files | {
        "README.md": _INDEX + "".join([*links, "- [Kinds of values](values.md)\n"]),
        "values.md": _values(),
    }


def write_reference(directory: Path) -> None:
    """Write all pages to ``directory`` and remove pages of domains that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    files = reference()
    for old in directory.glob("*.md"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")


def _page(page: Page) -> str:
    parts = [f"# {page.title}", page.text, _KEY]
    for group in page.groups:
        parts += [f"## More attributes of `<{group.of}>`", "\n".join(_table(group.attributes))]
    for element in page.elements:
        parts += _element(element)
    return "\n\n".join(parts) + "\n"


def _element(element: Element) -> Iterator[str]:
    yield f"## `<{element.name}>`"
    yield f"{element.meaning[:1].upper()}{element.meaning[1:]}."
    facts = []
    if element.within:
        facts.append(f"- Stands in: {_tags(element.within)}, {_COUNTS[element.count]}")
    if element.holds is not None:
        facts.append(f"- Text: {_holds(element)}")
    if element.default is not None:
        facts.append(f"- Default: `{element.default}`")
    if element.serves or element.used_by:
        facts.append(f"- Image types: {_types(element)}")
    if _since(element):
        facts.append(f"- Since: {_since(element)}")
    if facts:
        yield "\n".join(facts)
    if element.attributes:
        yield "\n".join(_table(element.attributes))


def _table(attributes: Iterable[Attribute]) -> Iterator[str]:
    rows = [
        (
            f"`{entry.name}`" + (" (required)" if entry.required else ""),
            _holds(entry),
            f"`{entry.default}`" if entry.default is not None else "",
            entry.meaning,
            _types(entry),
            _since(entry),
        )
        for entry in attributes
    ]
    titles = ("attribute", "values", "default", "meaning", "image types", "since")
    shown = [number for number in range(len(titles)) if number in {0, 1, 3} or any(row[number] for row in rows)]
    for cells in (titles, tuple("---" for _ in titles), *rows):
        yield "| " + " | ".join(cells[number].replace("|", "\\|") for number in shown) + " |"


def _holds(fact: Fact) -> str:
    if isinstance(fact.holds, tuple):
        return ", ".join(f"`{value}`" for value in fact.holds)
    return f"*{fact.holds}*"


def _types(fact: Fact) -> str:
    return ", ".join(fact.serves) if fact.serves else "used by " + ", ".join(fact.used_by) if fact.used_by else ""


def _since(fact: Fact) -> str:
    return "" if fact.since == "9.0" else fact.since


def _tags(names: Iterable[str]) -> str:
    return " or ".join(f"`<{name}>`" for name in names)


def _values() -> str:
    kinds: dict[str, str] = {}
    for rule in every_rule():
        values = [entry.value for entry in rule.attributes.values()]
        for value in [*values, *([rule.text] if rule.text else [])]:
            if value.kind:
                kinds[value.kind] = value.told
    lines = [f"| *{kind}* | {told[:1].upper()}{told[1:]}. |" for kind, told in sorted(kinds.items())]
    return "\n".join(["# Kinds of values", "", "| kind | what it is |", "| --- | --- |", *lines]) + "\n"


if __name__ == "__main__":
    write_reference(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
