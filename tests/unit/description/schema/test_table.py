# SPDX-License-Identifier: Apache-2.0
"""Every row of the table, in a small description: accepted where the row says, refused elsewhere and by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import etree

from runner.description.schema.compiler import GRAMMAR, compile_grammar, compile_rules, compile_table
from runner.description.schema.grammar import RULES, ElementRule, grammar
from runner.description.schema.table import TABLE, Attribute, Element, pages
from runner.description.schema.validate import validate_tree

if TYPE_CHECKING:
    from runner.description.schema.datatypes import Datatype
    from runner.description.schema.table import Fact

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
COUNTS = {(1, 1): "1", (0, 1): "?", (0, None): "*", (1, None): "+"}
GOOD = {
    "account-name": "user", "application-id": "ID", "boolean": "true", "collection-name": "Some Group",
    "disk-format": "oci:qcow2", "file-attributes": "no-copy-on-write,synchronous-updates",
    "four-part-version": "1.2.3.0", "group-list": "root,users:100", "guid": "01234567-89ab-cdef-0123-456789abcdef",
    "keymap": "de-latin1", "locale-list": "de_DE,en_US", "mac-address": "52:54:00:12:34:56",
    "machines": "x86_64,aarch64", "name": "Some-Image_1.0", "number": "12", "package-name": "bash",
    "port": "80/tcp", "profile-list": "a,b", "profile-name": "a", "signal": "SIGTERM", "size": "10G",
    "text": "any text", "verity-blocks": "all", "version": "1.2.3", "volume-id": "CDROM", "volume-size": "all",
    "words": "some words", "zone": "Europe/Berlin",
}  # fmt: skip
BAD = {
    "application-id": "x" * 129, "package-name": "-x", "collection-name": "-x", "volume-id": "x" * 33,
    "name": "a/b", "locale-list": "../de", "words": None, "text": None,
}  # fmt: skip
"""What is refused; "no such/value" for all other kinds, and None for those that take any text."""


def _entries() -> dict[tuple[str, str], tuple[Element, dict[str, Attribute]]]:
    """Every element by its parent and name, with all attributes that the pages give it."""
    more: dict[str, dict[str, Attribute]] = {}
    for page in pages():
        for group in page.groups:
            more.setdefault(group.of, {}).update({entry.name: entry for entry in group.attributes})
    return {
        (parent, element.name): (
            element,
            {entry.name: entry for entry in element.attributes} | more.get(element.name, {}),
        )
        for page in pages()
        for element in page.elements
        for parent in element.within or ("",)
    }


ENTRIES = _entries()
PLACES = sorted(ENTRIES)
ATTRIBUTES = sorted((parent, name, attribute) for (parent, name), (_, has) in ENTRIES.items() for attribute in has)


def _rules() -> dict[tuple[str, str], tuple[ElementRule, str]]:
    found = {("", "image"): (grammar(), "?")}
    todo = [grammar()]
    while todo:
        parent = todo.pop()
        for name, child in parent.children.items() if not parent.anything else ():
            if (parent.name, name) not in found:
                found[parent.name, name] = (child.element, COUNTS[child.least, child.most])
                todo.append(child.element)
    return found


def _holds(datatype: Datatype | None) -> str | tuple[str, ...] | None:
    if datatype is None:
        return None
    return datatype.kind or datatype.choices


def _qualified(name: str) -> str:
    return name.replace("xsi:", XSI)


def test_table_and_grammar_say_the_same() -> None:
    told = {
        place: (
            element.count,
            element.holds,
            {_qualified(entry.name): (entry.required, entry.holds) for entry in attributes.values()},
        )
        for place, (element, attributes) in ENTRIES.items()
    }
    ruled = {
        place: (
            count,
            _holds(rule.text),
            {name: (entry.required, _holds(entry.value)) for name, entry in rule.attributes.items()},
        )
        for place, (rule, count) in _rules().items()
    }
    assert told == ruled


def test_what_is_shipped_is_what_the_sources_say() -> None:
    grammar = compile_grammar()
    assert GRAMMAR.read_text(encoding="utf-8") == grammar
    assert RULES.read_text(encoding="utf-8") == compile_rules(grammar)
    assert TABLE.read_text(encoding="utf-8") == compile_table()


def good(fact: Fact) -> str:
    return fact.holds[0] if isinstance(fact.holds, tuple) else GOOD[fact.holds or ""]


def bad(fact: Fact) -> str | None:
    return "no such/value" if isinstance(fact.holds, tuple) else BAD.get(fact.holds or "", "no such/value")


def make(parent: str, name: str) -> etree._Element:
    """The smallest element that is valid in ``parent``."""
    entry, attributes = ENTRIES[parent, name]
    element = etree.Element(name)
    for attribute in attributes.values():
        if attribute.required:
            element.set(attribute.name, good(attribute))
    if entry.holds is not None:
        element.text = good(entry)
    for above, child in PLACES:
        if above == name and ENTRIES[above, child][0].count in {"1", "+"}:
            element.append(make(name, child))
    return element


def path_to(parent: str) -> list[tuple[str, str]]:
    """The places from the root down to ``parent``; the first way that leads there."""
    if parent == "image":
        return [("", "image")]
    above = next(place for place in PLACES if place[1] == parent)
    return [*path_to(above[0]), above]


def document(parent: str, *children: etree._Element) -> etree._Element:
    """A valid document with ``children`` in a ``parent`` that has just what it needs besides."""
    root = node = make("", "image")
    for above, name in path_to(parent)[1:]:
        below = node.find(name)
        if below is None:
            below = make(above, name)
            node.append(below)
        node = below
    for child in children:
        for old in node.findall(str(child.tag)):
            node.remove(old)
    node.extend(children)
    return root


def messages(root: etree._Element) -> str:
    """What is wrong; parsed again, as elements made by hand have no lines."""
    return "\n".join(finding.message for finding in validate_tree(etree.fromstring(etree.tostring(root))))


@pytest.mark.parametrize(("parent", "name"), [place for place in PLACES if place[0]])
def test_element(parent: str, name: str) -> None:
    entry, _ = ENTRIES[parent, name]
    assert messages(document(parent, make(parent, name))) == ""
    repeated = messages(document(parent, make(parent, name), make(parent, name)))
    if entry.count in {"1", "?"}:
        assert repeated == f"<{parent}> may hold only one <{name}>; the first is in line 1"
    else:
        assert repeated == ""
    if entry.count in {"1", "+"}:
        lacking = document(parent, make(parent, name))
        for holder in list(lacking.iter(parent)):
            for child in holder.findall(name):
                holder.remove(child)
        assert f"<{parent}> needs a <{name}>" in messages(lacking)


@pytest.mark.parametrize(("parent", "name"), [place for place in PLACES if place[0]])
def test_element_elsewhere(parent: str, name: str) -> None:
    for elsewhere in {"image", "preferences", "timezone", "package"} - {
        home for home, child in PLACES if child == name
    }:
        (message,) = messages(document(elsewhere, make(parent, name))).splitlines()
        assert f"<{elsewhere}> has no element <{name}>; it belongs into " in message
        assert f"<{parent}>" in message


@pytest.mark.parametrize(("parent", "name"), [place for place in PLACES if place[0]])
def test_text(parent: str, name: str) -> None:
    entry, _ = ENTRIES[parent, name]
    child = make(parent, name)
    if entry.holds is None:
        if name != "extension":
            child.text = "stray"
            assert f'<{name}> holds the text "stray" but may not hold any' in messages(document(parent, child))
        return
    wrong = bad(entry)
    if wrong is not None:
        child.text = wrong
        assert f"in <{name}> is not allowed, expected is " in messages(document(parent, child))
    for value in entry.holds if isinstance(entry.holds, tuple) else ():
        child.text = value
        assert messages(document(parent, child)) == ""


@pytest.mark.parametrize(("parent", "name", "attribute"), ATTRIBUTES)
def test_attribute(parent: str, name: str, attribute: str) -> None:
    entry = ENTRIES[parent, name][1][attribute]

    def with_value(value: str) -> str:
        child = make(parent, name)
        child.set(_qualified(attribute), value)
        return messages(document(parent, child) if parent else child)

    for value in entry.holds if isinstance(entry.holds, tuple) else (good(entry),):
        assert with_value(value) == ""
    wrong = bad(entry)
    if wrong is not None:
        refused = with_value(wrong)
        assert refused.startswith(f"{attribute} of <{name}>: ")
        assert "is not allowed, expected is " in refused
        for value in entry.holds if isinstance(entry.holds, tuple) else ():
            assert value in refused
    if entry.required:
        child = make(parent, name)
        del child.attrib[attribute]
        refused = messages(document(parent, child) if parent else child)
        assert f"<{name}> needs the attribute `{attribute}`" in refused


@pytest.mark.parametrize(("parent", "name", "attribute"), ATTRIBUTES)
def test_attribute_elsewhere(parent: str, name: str, attribute: str) -> None:
    child = make("description", "author")
    child.set(_qualified(attribute), good(ENTRIES[parent, name][1][attribute]))
    (message,) = messages(document("description", child)).splitlines()
    assert message.startswith(f"<author> has no attribute `{attribute}`")
