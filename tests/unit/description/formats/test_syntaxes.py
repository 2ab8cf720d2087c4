# SPDX-License-Identifier: Apache-2.0
"""XML, YAML, JSON and TOML end in the same tree, with lines, comments and scalars as written."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from runner.description.formats import SYNTAXES, parse, printing, syntax_of
from runner.description.formats.values_of import values_of
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.description.formats.values import Table

XML = """\
<!-- first -->
<image name="a" xmlns:m="urn:m">
  <m:extra m:kind="k"/>
  <!-- second -->
  <preferences>
    <version>1.10</version>
    <type image="iso" primary="true"/>
    <type image="oem">text</type>
  </preferences>
</image>
"""

YAML = """\
# first
image:
  "@name": a
  "@xmlns:m": urn:m
  m:extra: {"@m:kind": k}
  # second
  preferences:
    version: 1.10
    type:
    - {"@image": iso, "@primary": yes}
    - "@image": oem
      "#text": text
"""

JSON = """\
{
  "image": {
    "@name": "a", "@xmlns:m": "urn:m",
    "m:extra": {"@m:kind": "k"},
    "preferences": {
      "version": 1.10,
      "type": [
        {"@image": "iso", "@primary": true},
        {"@image": "oem", "#text": "text"}
      ]
    }
  }
}
"""

TOML = """\
# first
[image]
"@name" = "a"
"@xmlns:m" = 'urn:m'
"m:extra"."@m:kind" = "k"
# second
[image.preferences]
version = 1.10
[[image.preferences.type]]
"@image" = "iso"
"@primary" = true
[[image.preferences.type]]
"@image" = \"""oem\"""
"#text" = "text"
"""

SOURCES = {"xml": XML, "yaml": YAML, "json": JSON, "toml": TOML}
LINES = {
    "xml": [2, 3, 5, 6, 7, 8],
    "yaml": [3, 5, 8, 8, 10, 11],
    "json": [2, 4, 5, 6, 8, 9],
    "toml": [2, 5, 7, 8, 9, 12],
}
PRINTERS: dict[str, Callable[[Table], str]] = {
    "yaml": printing.to_yaml,
    "json": printing.to_json,
    "toml": printing.to_toml,
}


def canonical(root: etree._Element, *, comments: bool = False) -> bytes:
    """The tree without layout: what a description means."""
    plain = etree.fromstring(
        etree.tostring(root), etree.XMLParser(remove_blank_text=True, remove_comments=not comments)
    )
    return etree.tostring(plain, method="c14n", with_comments=comments)


def comments_of(root: etree._Element) -> list[str]:
    found = root.getroottree().xpath("//comment()")
    assert isinstance(found, list)
    return [str(node.text).strip() for node in found if isinstance(node, etree._Comment)]


@pytest.mark.parametrize("syntax", SOURCES)
def test_all_syntaxes_end_in_the_same_tree(syntax: str) -> None:
    data = SOURCES[syntax].encode()
    assert syntax_of(data, "x") == syntax
    root = parse(data, "x.kiwi")
    assert canonical(root) == canonical(parse(XML.encode(), "x"))
    assert root.base == "x.kiwi"


@pytest.mark.parametrize("syntax", SOURCES)
def test_elements_have_their_lines(syntax: str) -> None:
    root = parse(SOURCES[syntax].encode(), "x")
    assert [element.sourceline for element in root.iter("*")] == LINES[syntax]


@pytest.mark.parametrize("syntax", ["xml", "yaml", "toml"])
def test_comments_are_kept(syntax: str) -> None:
    assert comments_of(parse(SOURCES[syntax].encode(), "x")) == ["first", "second"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", PRINTERS)
def test_what_is_printed_reads_back(source: str, target: str) -> None:
    root = parse(SOURCES[source].encode(), "x")
    text = PRINTERS[target](values_of(root))
    again = parse(text.encode(), "y")
    assert syntax_of(text.encode(), "y") == target
    assert canonical(again) == canonical(root)
    if target != "json":
        assert comments_of(again) == comments_of(root)
    assert PRINTERS[target](values_of(again)) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.10", "1.10"),
        ("0x10", "0x10"),
        ("0755", "0755"),
        ("22:22", "22:22"),
        ("2024-01-02", "2024-01-02"),
        ("yes", "true"),
        ("Off", "false"),
        ("'yes'", "yes"),
        ("!!str yes", "yes"),
        ("~", ""),
        ("", ""),
        ("'1.0' # why", "1.0"),
    ],
)
def test_scalars_of_yaml_are_kept_as_written(written: str, read: str) -> None:
    root = parse(f"image:\n  version: {written}\n".encode(), "x")
    assert (root.findtext("version") or "") == read


def test_trailing_and_quoted_hashes() -> None:
    root = parse(b'image: # top\n  a: "x # y" # one\n  b: |\n    z # z\n  # last\n', "x")
    assert comments_of(root) == ["top", "one", "last"]
    assert (root.findtext("a"), root.findtext("b")) == ("x # y", "z # z\n")


def test_anchors_and_merge_keys_of_yaml() -> None:
    root = parse(b"image:\n  a: &t {'@x': 1, '@y': 2}\n  b:\n    <<: *t\n    '@y': 3\n  c: [*t, *t]\n", "x")
    assert [dict(element.attrib) for element in root] == [{"x": "1", "y": "2"}, {"x": "1", "y": "3"}] + [
        {"x": "1", "y": "2"}
    ] * 2


WRONG = {
    "yaml key twice": ("image:\n  a: 1\n  a: 2\n", "x:3: the key 'a' stands here a second time"),
    "yaml tag": ("image:\n  a: !!python/object:os.system x\n", "x:2: the tag"),
    "yaml own tag": ("image: !x\n  a: 1\n", "x:1: the tag"),
    "yaml documents": ("image: 1\n---\nimage: 2\n", "x:2: a second document"),
    "yaml indent": ("image:\n  a: 1\n b: 2\n", "x:3: the description is not well-formed YAML"),
    "yaml alias": ("image:\n  a: *b\n", "x:2: the alias"),
    "yaml alias of itself": ("image:\n  a: &a [*a]\n", "x:2: the alias"),
    "yaml list of lists": ("image:\n  a: [[1]]\n", "x:2: a list directly"),
    "yaml two roots": ("image: 1\nother: 2\n", "x:1: the document has not one element"),
    "yaml list as attribute": ("image:\n  '@a': [1]\n", "x:2: a list or table where one text"),
    "yaml bad name": ("image:\n  a b: 1\n", "x:2: the key 'a b' is no name"),
    "yaml unknown prefix": ("image:\n  q:b: 1\n", "x:2: the key 'q:b' is no name"),
    "yaml braces": ("image:\n  '{u}b': 1\n", "x:2: the key"),
    "yaml control": ('image:\n  a: "\\e[0m"\n', r"x:2: control character U\+001B"),
    "yaml xml:base": ("image:\n  '@xml:base': /etc\n", "x:2: the key"),
    "xml:base": ("<image>\n<a xml:base='/etc'/></image>", "x:2: xml:base"),
    "json key twice": ('{"image":\n{"a": 1,\n"a": 2}}', "x:3: the key 'a' stands here a second time"),
    "json comma": ('{"image": {"a": 1,\n}}', "x:2: the description is not well-formed JSON"),
    "json rest": ('{"image": 1}\n x', "x:2: the description is not well-formed JSON"),
    "json NaN": ('{"image": NaN}', "x:1: the description is not well-formed JSON"),
    "json escape": ('{"image": "\\q"}', "x:1: the description is not well-formed JSON"),
    "json lone surrogate": ('{"image":\n"\\ud800"}', r"x:2: control character U\+D800"),
    "toml key twice": ("[image]\na = 1\na = 2\n", "x:3: the description is not well-formed TOML"),
    "toml table twice": ("[image]\n[image]\n", "x:2: the description is not well-formed TOML"),
    "toml value": ("[image]\n\na = \n", "x:3: the description is not well-formed TOML"),
    "toml string": ('[image]\na = "x\n', "x:2: the description is not well-formed TOML"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_line(name: str) -> None:
    text, message = WRONG[name]
    with pytest.raises(DescriptionError, match=f"^{message}"):
        parse(text.encode(), "x")


NAMES = st.sampled_from(["a", "b", "package", "oem-resize", "on"])
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\n\t"),
    max_size=12,
)
"""Any text that XML can hold; a carriage return would become a line feed in it."""


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    element = etree.Element(draw(NAMES), draw(st.dictionaries(NAMES, TEXTS, max_size=3)))
    if depth == 0 or draw(st.booleans()):
        element.text = draw(TEXTS).strip() or None
        return element
    for child in sorted(draw(st.lists(trees(depth - 1), max_size=4)), key=lambda child: str(child.tag)):
        element.append(child)
    return element


def shape(element: etree._Element) -> tuple[object, ...]:
    """What the other syntaxes keep: the order of siblings only among those of one name."""
    inner = sorted((shape(child) for child in element if isinstance(child.tag, str)), key=lambda one: str(one[0]))
    return (element.tag, sorted(map(str, element.attrib.items())), (element.text or "").strip(), inner)


@settings(max_examples=150, deadline=None)
@given(tree=trees(), target=st.sampled_from(sorted(PRINTERS)))
def test_any_tree_survives_printing(tree: etree._Element, target: str) -> None:
    text = PRINTERS[target](values_of(tree))
    assert shape(parse(text.encode(), "x")) == shape(tree)


@pytest.mark.parametrize(
    "text", ["true", "True", "FALSE", "Yes", "null", "~", "n", "1.10", " a ", "a: b", "#a", "-", "=", ""]
)
@pytest.mark.parametrize("target", PRINTERS)
def test_texts_that_look_like_something_else_stay_texts(target: str, text: str) -> None:
    root = parse(PRINTERS[target](values_of(etree.Element("image", {"a": text}))).encode(), "x")
    assert root.get("a") == text


@settings(max_examples=400, deadline=None)
@given(
    start=st.sampled_from(["", "image:", '{"', "[image]\n", "<image>", "image: &a {", "a = "]),
    rest=st.text(alphabet="ab:@#\"'[]{}<>,=.-|&*!\\ \n\t\0é1t\r", max_size=60),
)
def test_any_text_is_a_tree_or_a_description_error(start: str, rest: str) -> None:
    with contextlib.suppress(DescriptionError):
        parse((start + rest).encode(), "x")


def test_every_syntax_has_a_sample() -> None:
    assert set(SOURCES) == set(SYNTAXES)


def test_the_line_of_a_tag_is_its_first() -> None:
    root = parse(b"<image\n  a='1'\n>\n<b\n c='>'/><!-- <c\n> --><d/></image>", "x")
    assert [element.sourceline for element in root.iter("*")] == [1, 4, 6]
