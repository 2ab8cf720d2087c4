# SPDX-License-Identifier: Apache-2.0
"""Descriptions in XML: parsed with everything off that could reach outside of the file or blow it up."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from lxml.etree import XMLSyntaxError, _Element

MAX_DEPTH = 24
"""The language nests seven deep; foreign XML in ``<extension>`` may need more."""

MAX_ELEMENTS = 200_000

_DECLARATION = re.compile(rb"^<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def sniff(data: bytes) -> bool:
    """Tell XML by its first mark; other encodings than UTF-8 begin with a byte order mark or a NUL."""
    start = data.removeprefix(codecs.BOM_UTF8).lstrip()
    return start.startswith(b"<") or data.startswith(_WIDE) or data[:4].replace(b"\0", b"").startswith(b"<")


def parse(data: bytes, name: str) -> _Element:
    """Parse a whole document.

    Raises:
        DescriptionError: malformed, not in a known encoding, with a DOCTYPE, or absurdly deep or large.
    """
    from lxml import etree

    text = _decode(data, name)
    _refuse_control(text, name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_pis=True, encoding="utf-8",
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
    _refuse_monsters(root, name)
    return root


def _decode(data: bytes, name: str) -> str:
    """Decode by byte order mark, else by the XML declaration, else UTF-8."""
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        encoding = "utf-32"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif declared := _DECLARATION.match(data):
        encoding = declared[1].decode()
        if encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
            encoding = "utf-8-sig"
    try:
        return str(data, encoding)
    except LookupError:  # unknown, or zip, hex and their like, which are no character encodings
        raise DescriptionError(
            f"unknown character encoding {encoding!r}", where=Location(name, 1), hint="save the file as UTF-8"
        ) from None
    except UnicodeError as error:
        line = data.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise DescriptionError(
            f"the file is not valid {encoding.removesuffix('-sig').upper()}",
            where=Location(name, line),
            hint="save the file as UTF-8, or declare its encoding in the first line",
        ) from None


def _refuse_control(text: str, name: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise DescriptionError(
            f"control character U+{ord(found[0]):04X} in the description",
            where=Location(name, text.count("\n", 0, found.start()) + 1),
            why="XML does not allow it",
            hint="remove the character",
        )


def _malformed(error: XMLSyntaxError, text: str, name: str) -> DescriptionError:
    line = error.lineno or None
    shown = (text.splitlines() or [""])[line - 1].strip() if line and line <= text.count("\n") + 1 else ""
    why = str(error.msg or "unknown reason").partition(", line ")[0]
    return DescriptionError(
        "the description is not well-formed XML",
        where=Location(name, line),
        why=f"{why}: {shown[:80]}" if shown else why,
        hint="check that every tag is closed and every attribute quoted at that line or before",
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
