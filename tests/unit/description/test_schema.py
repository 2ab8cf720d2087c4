# SPDX-License-Identifier: Apache-2.0
"""The grammar, our validator of it, and what it says."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from runner.description import InvalidDescriptionError, load
from runner.description.schema.compiler import GRAMMAR
from runner.description.schema.grammar import ElementRule, grammar
from runner.description.schema.validate import MAX_FINDINGS, validate_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MESSAGES = [
    ('<type image="ext4" filesytem="ext4"/>', "<type> has no attribute `filesytem`; did you mean `filesystem`?"),
    ('<type image="ext5"/>', 'image of <type>: "ext5" is not allowed'),
    ('<type image="ext4" primary="yes"/>', '"yes" is not allowed, expected is true or false'),
    ('<type image="ext4" efipartsize="20M"/>', "expected is a whole number"),
    ("<type/>", "<type> needs the attribute `image`"),
    ("<verison>1</verison>", "<preferences> has no element <verison>; did you mean <version>?"),
    ("<size>10</size>", "<preferences> has no element <size>; it belongs into <type>"),
    ("<bootloader name='grub2'/>", "it belongs into <type>"),
    ("<version>1</version>", "<preferences> may hold only one <version>"),
    ("hello", '<preferences> holds the text "hello"'),
    ("<timezone>../../etc/shadow</timezone>", "expected is a time zone like Europe/Berlin"),
    (
        "<packagemanager>apt-get</packagemanager>",
        '"apt-get" in <packagemanager> is not allowed, expected is one of',
    ),
    ('<type image="docker"><containerconfig/></type>', "<containerconfig> needs the attribute `name`"),
    ("<type image='oem' timeout='3'/>", "<type> has no attribute `timeout`; it belongs to <bootloader>"),
    ("<type image='tbz' size='3'/>", "<type> has no attribute `size`; write it as an element"),
    ("<type image='tbz'><filesystem>xfs</filesystem></type>", "no element <filesystem>; write it as an attribute"),
    ("<type image='tbz'><machine ncpu='2' HWVersion='9'/></type>", "did you mean `HWversion`?"),
    (
        "<type image='tbz'><vagrantconfig box='a' virtualsize='1' provider='libvirt'/></type>",
        "; allowed: provider,",
    ),
    ("<type image='tbz'><oemconfig><oem-swop>true</oem-swop></oemconfig></type>", "did you mean <oem-swap>?"),
    ("<type image='iso' flags='overlays'/>", "expected is one of dmsquash, overlay; did you mean overlay?"),
    ("<timezone>UTC<b/></timezone>", "<timezone> has no element <b>; it holds no elements"),
    ('<x:a xmlns:x="urn:x"/>', "<preferences> has no element <{urn:x}a>"),
]


@pytest.mark.parametrize(("inner", "message"), MESSAGES)
def test_messages_say_what_and_where(write: Callable[..., Path], inner: str, message: str) -> None:
    body = f"<preferences><version>1</version>\n{inner}</preferences>"
    with pytest.raises(InvalidDescriptionError) as caught:
        load(write(body, preferences=False))
    (finding,) = [finding for finding in caught.value.findings if message in finding.message]
    assert finding.where is not None
    assert finding.where.file == "appliance.kiwi"
    assert finding.where.line in {6, 7}


@pytest.mark.parametrize(
    "body",
    [
        '<packages typ="image"/>',
        '<users><user name="a" passwort="x"/></users>',
        '<repository><sources path="/x"/></repository>',
        '<packages type="image"><type image="tbz"><bootloader/></type></packages>',
    ],
)
def test_one_mistake_is_told_once(write: Callable[..., Path], body: str) -> None:
    with pytest.raises(InvalidDescriptionError) as caught:
        load(write(body))
    assert len(caught.value.findings) == 1


def test_all_faults_are_told_at_once_by_line(write: Callable[..., Path]) -> None:
    body = '<packages type="image">\n<package/>\n<pakage name="a"/>\n</packages>\n<users><user name="-x"/></users>'
    with pytest.raises(InvalidDescriptionError) as caught:
        load(write(body))
    lines = [finding.where.line or 0 for finding in caught.value.findings if finding.where]
    assert len(lines) == 4
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", ["--force", "-x", "a b", ""])
def test_a_package_name_is_never_an_option(write: Callable[..., Path], name: str) -> None:
    with pytest.raises(InvalidDescriptionError):
        load(write(f'<packages type="image"><package name="{name}"/></packages>'))


def test_findings_are_few_and_short(write: Callable[..., Path]) -> None:
    body = "".join(f"<{'x' * 3000}{number}/>" for number in range(500))
    with pytest.raises(InvalidDescriptionError) as caught:
        load(write(body))
    assert len(caught.value.findings) == MAX_FINDINGS
    assert all(len(finding.message) < 300 for finding in caught.value.findings)


def test_very_many_mistakes_take_no_time() -> None:
    many = etree.fromstring(f"<image>{'<pakcages/>' * 200_000}</image>")
    attributes = " ".join(f"a{number}='x'" for number in range(50_000))
    wide = etree.fromstring(f"<image {attributes}/>")
    start = time.process_time()
    assert len(validate_tree(many)) == MAX_FINDINGS
    assert "has 50000 attributes" in validate_tree(wide)[0].message
    assert time.process_time() - start < 1


def test_secrets_are_not_told(write: Callable[..., Path]) -> None:
    body = '<users><user name="a" password="s3cr3t" pwdformat="plane"/></users>'
    with pytest.raises(InvalidDescriptionError) as caught:
        load(write(body))
    assert "s3cr3t" not in str(caught.value)


def test_foreign_elements_only_in_extension(write: Callable[..., Path]) -> None:
    foreign = '<x:a xmlns:x="urn:x" b="c"><x:d>text</x:d></x:a>'
    assert load(write(f"<extension>{foreign}</extension>")).others[0].name == "extension"
    with pytest.raises(InvalidDescriptionError):
        load(write(foreign))


@functools.cache
def reference() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(GRAMMAR))


GOOD = {"name": "ab", "version": "1.0", "image": "ext4", "arch": "x86_64", "profiles": "a,b", "path": "http://x"}


@st.composite
def elements(draw: st.DrawFn, rule: ElementRule, depth: int = 0) -> etree._Element:
    """An element that mostly follows its rule; few attributes, for libxml2's time doubles with each."""
    element = etree.Element(rule.name)
    required = [name for name, entry in rule.attributes.items() if entry.required]
    optional = [name for name in rule.attributes if name not in required]
    more = draw(st.lists(st.sampled_from(optional), max_size=3, unique=True)) if optional else []
    for name in required[draw(st.integers(0, 20)) == 0 :] + more:
        element.set(name, _value(draw, rule.attributes[name].value.choices, GOOD.get(name, "1")))
    if draw(st.integers(0, 30)) == 0:
        element.set("bogus", "x")
    if rule.text is not None:
        element.text = _value(draw, rule.text.choices, "1")
    for name, child in rule.children.items():
        if name == "extension":
            continue
        odds = draw(st.integers(0, 40 if child.least else 3 * (depth + 1)))
        count = (0 if odds == 40 else 2 if odds == 39 else 1) if child.least else int(odds == 0)
        for _ in range(count):
            element.append(draw(elements(child.element, depth + 1)))
    return element


def _value(draw: st.DrawFn, choices: tuple[str, ...] | None, good: str) -> str:
    wrong = draw(st.integers(0, 40)) == 0
    return " no such " if wrong else draw(st.sampled_from(choices)) if choices else good


@settings(max_examples=60, deadline=None)
@given(elements(grammar()))
def test_our_validator_agrees_with_libxml2(root: etree._Element) -> None:
    assert (validate_tree(root) == []) == reference().validate(root)


def test_the_grammar_has_what_the_language_has() -> None:
    """A few of each domain; the number catches a file that is no longer included."""
    names: set[str] = set()
    todo = [grammar()]
    while todo:
        rule = todo.pop()
        if rule.name not in names:
            names.add(rule.name)
            todo.extend(child.element for child in rule.children.values())
    assert {"requires", "signing", "history", "oem-resize", "vmdisk", "volume", "dracut", "certificate"} <= names
    assert len(names) > 105
