# SPDX-License-Identifier: Apache-2.0
"""Descriptions in XML: parsed with everything off that could reach outside of the file or blow it up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.description.formats.limits import MAX_DEPTH, MAX_ELEMENTS, MAX_LINE
from runner.description.model.element import BASE
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from lxml.etree import XMLSyntaxError, _Element


MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|</[^>]*>|<(?=[^\s/>!?])[^"'>]*+(?:(?:"[^"]*"|'[^']*')[^"'>]*+)*>""",
    re.DOTALL,
)
"""Everything between angle brackets in a well-formed document without a DOCTYPE."""


_TAG_OF_LINES = re.compile(r"<[^<>]*\n")
_TOO_DEEP = f"boolean({'/*' * (MAX_DEPTH + 1)})"
"""An XPath: whether an element nests too deep. To walk the tree in Python takes ten times longer."""


def sniff(text: str) -> bool:
    """Tell XML by its first mark."""
    return text.lstrip().startswith("<")


def parse(text: str, name: str) -> _Element:
    """Parse a whole document.

    Raises:
        DescriptionError: malformed, with a DOCTYPE or ``xml:base``, or absurdly deep or large.
    """
    from lxml import etree

    _refuse_masses(text, name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        strip_cdata=False, encoding="utf-8",
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode(), parser, base_url=quote(name))
    except etree.XMLSyntaxError as error:
        raise _malformed(error, text, name) from None
    doctype = root.getroottree().docinfo
    if doctype.doctype or doctype.internalDTD is not None:
        raise DescriptionError(
            "a DOCTYPE is not allowed in a description",
            where=Location(name),
            why="document types and entities can read files and exhaust memory",
            hint="remove the <!DOCTYPE …> and write out what its entities stand for",
        )
    if text.count("<") > MAX_ELEMENTS or root.xpath(_TOO_DEEP):
        _refuse_monsters(root, name)
    if _TAG_OF_LINES.search(text):
        _begin_lines(root, text)
    if "xml:base" in text:
        _refuse_base(root, name)
    return root


def _malformed(error: XMLSyntaxError, text: str, name: str) -> DescriptionError:
    line = error.lineno or None
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line and line <= len(lines) else ""
    why = str(error.msg or "unknown reason").partition(", line ")[0]
    return DescriptionError(
        "the description is not well-formed XML",
        where=Location(name, line),
        why=f"{why}: {shown[:80]}" if shown else why,
        hint="check that every tag is closed and every attribute quoted at that line or before",
    )


def _refuse_masses(text: str, name: str) -> None:
    """Refuse what would cost hundreds of megabytes as a tree before it is one."""
    if text.count("<") > 3 * MAX_ELEMENTS or text.count("=") > 4 * MAX_ELEMENTS:
        raise DescriptionError(
            f"more than {MAX_ELEMENTS} elements", where=Location(name), why="no image description needs that"
        )


def _refuse_monsters(root: _Element, name: str) -> None:
    from lxml import etree

    depth = count = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            raise DescriptionError(
                f"elements nest deeper than {MAX_DEPTH}"
                if depth > MAX_DEPTH
                else f"more than {MAX_ELEMENTS} elements",
                where=Location(name, element.sourceline),
                why="no image description needs that",
            )


def _begin_lines(root: _Element, text: str) -> None:
    """Set the line of each element whose tag spans lines to its first; libxml2 notes the last."""
    line = place = 0
    tags = (found for found in MARKUP.finditer(text) if found[0][1] not in "!?/")
    for element, found in zip(root.iter("*"), tags, strict=False):
        if "\n" in found[0]:
            line, place = line + text.count("\n", place, found.start()), found.start()
            if line < MAX_LINE:
                element.sourceline = line + 1  # type: ignore[misc]  # lxml lets us, its stubs do not


def _refuse_base(root: _Element, name: str) -> None:
    for element in root.iter("*"):
        if element.attrib.pop(BASE, None) is not None:
            raise DescriptionError(
                "xml:base is not allowed in a description",
                where=Location(name, element.sourceline),
                why="it would make errors name another file",
                hint="remove the attribute",
            )
