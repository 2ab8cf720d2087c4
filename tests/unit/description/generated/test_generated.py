# SPDX-License-Identifier: Apache-2.0
"""Made-up valid descriptions: all of them load, can be printed in every syntax, are checked and planned."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from runner.description import check, load
from runner.description.formats import SYNTAXES, parse, printing, to_text
from runner.description.formats.values_of import values_of
from runner.description.schema.validate import validate_tree
from runner.description.upgrade import upgrade
from runner.errors import DescriptionError
from runner.plan.matrix import make_matrix
from runner.plan.model import Plan
from tests.support.generated import descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.model.description import Description
    from runner.plan.matrix import MatrixEntry

made_up = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
Form = tuple[str, tuple[tuple[str, str], ...], str, tuple["Form", ...]]


def form(element: _Element) -> Form:
    """What an element says: the order of children with different names means nothing."""
    return (
        str(element.tag),
        tuple(sorted((str(name), str(said).strip()) for name, said in element.attrib.items())),
        (element.text or "").strip(),
        tuple(form(child) for child in sorted(element.iterchildren("*"), key=lambda child: str(child.tag))),
    )


def printed(root: _Element, syntax: str) -> str:
    if syntax == "xml":
        return to_text(root)
    return str(getattr(printing, f"to_{syntax}")(values_of(root)))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_load_print_load_is_the_identity(syntax: str) -> None:
    @made_up
    @given(descriptions())
    def holds(root: _Element) -> None:
        assert form(parse(printed(root, syntax).encode(), "made-up")) == form(root)

    holds()


@made_up
@given(descriptions())
def test_the_grammar_takes_what_it_describes_and_no_upgrade_changes_it(root: _Element) -> None:
    assert validate_tree(root) == []
    before = etree.tostring(root)
    assert upgrade(root).changes == ()
    assert etree.tostring(root) == before


@made_up
@given(descriptions())
def test_rules_and_plans_never_fail_by_surprise(root: _Element) -> None:
    with loaded(to_text(root)) as description:
        if description is None:
            return
        check(description, arch="x86_64")
        for entry in make_matrix(description, arch="x86_64").include:
            plan = plan_of(description, entry)
            assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@made_up
@given(descriptions())
def test_every_syntax_gives_the_same_plans(root: _Element) -> None:
    texts = [printed(root, syntax) for syntax in SYNTAXES]
    with contextlib.ExitStack() as held:
        first, *others = [held.enter_context(loaded(text)) for text in texts]
        for other in others:
            assert (first is None) == (other is None)
            if first is not None and other is not None:
                assert plans(first) == plans(other)


@contextlib.contextmanager
def loaded(text: str) -> Iterator[Description | None]:
    """The description with ``text``; None where it leads outside of its folder."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "made-up.kiwi").write_text(text, encoding="utf-8")
        try:
            description = load(Path(folder))
        except DescriptionError:
            description = None
        yield description


def plan_of(description: Description, entry: MatrixEntry) -> Plan:
    from runner.plan.make import make_plan

    return make_plan(description, profiles=entry.profiles, type_name=entry.type, arch="x86_64")


def plans(description: Description) -> list[Plan]:
    """All plans, without lines and the digest of the file."""
    return [
        msgspec.structs.replace(
            plan_of(description, entry),
            unsupported=(),
            description=msgspec.structs.replace(plan_of(description, entry).description, digest=""),
        )
        for entry in make_matrix(description, arch="x86_64").include
    ]
