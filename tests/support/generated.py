# SPDX-License-Identifier: Apache-2.0
"""Valid descriptions made up from the grammar."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from lxml import etree

from runner.description.schema.grammar import grammar

if TYPE_CHECKING:
    from lxml.etree import _Element

    from runner.description.schema.datatypes import Datatype
    from runner.description.schema.grammar import ElementRule

_LETTERS = st.characters(categories=["L", "N", "P", "S"], include_characters=" ")
_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
_FIXED = {("image", "schemaversion"): "8.5"}
_MOST_REPEATED = 2
_IGNORED = "{http://www.w3.org/2001/XMLSchema-instance}"
_FOREIGN = frozenset({"extension", "include"})
"""Elements whose content is not told by the grammar, or lies in another file."""


@functools.cache
def value(datatype: Datatype) -> st.SearchStrategy[str]:
    """Values of one kind."""
    if datatype.choices is not None:
        return st.sampled_from(datatype.choices)
    if datatype.pattern is not None:
        matching = st.from_regex(datatype.pattern, fullmatch=True, alphabet=_ASCII)
        return matching.map(lambda text: " ".join(text.split())).filter(datatype.accepts)
    return st.text(_LETTERS, max_size=12).map(lambda text: " ".join(text.split()))


@st.composite
def descriptions(draw: st.DrawFn) -> _Element:
    """A whole description at the newest schema, most of its elements left out."""
    return _element(draw, grammar())


def _element(draw: st.DrawFn, rule: ElementRule) -> _Element:
    made = etree.Element(rule.name)
    for name, attribute in rule.attributes.items():
        if name.startswith(_IGNORED) or not (attribute.required or draw(st.integers(0, 9)) == 0):
            continue
        made.set(name, _FIXED.get((rule.name, name)) or draw(value(attribute.value)))
    if rule.text is not None:
        made.text = draw(value(rule.text)) or None
    for name, child in rule.children.items():
        if name in _FOREIGN:
            continue
        most = _MOST_REPEATED if child.most is None else min(child.most, _MOST_REPEATED)
        often = child.least or name == "type" or draw(st.integers(0, 2)) == 0
        wanted = draw(st.integers(child.least, most)) if often else 0
        for _ in range(wanted):
            made.append(_element(draw, child.element))
    return made
