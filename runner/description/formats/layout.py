# SPDX-License-Identifier: Apache-2.0
"""Print a changed XML tree so that what did not change looks as it was written.

lxml keeps texts and comments, but sets each tag anew, on one line. Here every tag that comes from the source is
its source again, with only those attributes touched that changed; so a diff shows the upgrade and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.description.formats.xml import MARKUP

if TYPE_CHECKING:
    from lxml.etree import _Element

_NUMBER = "packhouse-number"
_ATTRIBUTE = re.compile(r"""\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(r"<([^\s/>]+)")
_ENCODING = re.compile(r"""\A(\s*<\?xml[^>]*?encoding\s*=\s*["'])(?!(?i:utf-8)["'])[^"']*""")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the tags of a source look: as written, and as lxml prints them."""

    head: str
    tail: str
    line_end: str
    written: tuple[str, ...]
    printed: tuple[str, ...]


def remember(root: _Element, source: str) -> Layout:
    """Number the elements of a tree that was parsed from ``source``, and note how their tags look."""
    line_end = "\r\n" if "\r\n" in source else "\n"
    text = source.replace("\r\n", "\n")
    markup = [found for found in MARKUP.finditer(text) if found[0][1] not in "!?"]
    printed = tuple(found[0] for found in MARKUP.finditer(_print(root)) if _is_tag(found[0]))
    for number, element in enumerate(root.iter("*")):
        element.set(_NUMBER, str(number))
    head = _ENCODING.sub(r"\1utf-8", text[: markup[0].start()])
    written = tuple(found[0] for found in markup if _is_tag(found[0]))
    return Layout(head, text[markup[-1].end() :], line_end, written, printed)


def restore(root: _Element, layout: Layout) -> str:
    """Print a tree that :func:`remember` numbered; the numbers are gone afterwards."""
    numbers = iter([element.attrib.pop(_NUMBER, None) for element in root.iter("*")])

    def put(found: re.Match[str]) -> str:
        if not _is_tag(found[0]):
            return found[0]
        number = next(numbers)
        return found[0] if number is None else _merged(layout, int(number), found[0])

    text = layout.head + MARKUP.sub(put, _print(root)) + layout.tail
    return text.replace("\n", layout.line_end)


def _print(root: _Element) -> str:
    from lxml import etree

    return etree.tostring(root, encoding="unicode", with_tail=False)


def _is_tag(markup: str) -> bool:
    return markup[1] not in "!?/"


def _merged(layout: Layout, number: int, now: str) -> str:
    """Return the source of a tag with the changes between how lxml printed it then and prints it now."""
    source, before = layout.written[number], layout.printed[number]
    new: dict[str, str] = dict(_ATTRIBUTE.findall(now))
    old: dict[str, str] = dict(_ATTRIBUTE.findall(before))

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in new:
            return ""
        if new[name] == old.get(name):
            return found[0]
        return found[0][: found.start(2) - found.start()] + new[name]

    text = _ATTRIBUTE.sub(put, source)
    added = "".join(f" {name}={value}" for name, value in new.items() if name not in old)
    body = text.removesuffix(">").removesuffix("/")
    stripped = body.rstrip()
    name = _NAME.match(now)
    named = re.sub(r"^<[^\s/>]+", lambda _: name[0] if name else "", stripped)
    if now.endswith("/>"):
        return f"{named}{added}{body[len(stripped) :]}" + (
            "/>" if source.endswith("/>") or not name else f"></{name[1]}>"
        )
    return f"{named}{added}{body[len(stripped) :].rstrip(' ')}>"
