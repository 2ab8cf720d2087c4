# SPDX-License-Identifier: Apache-2.0
"""Every plan can be printed and read back, fits its JSON Schema, and keeps its digest."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect as kinds

from runner.digest import canonical_json
from runner.plan.model import Plan
from runner.schema import schema

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@cache
def struct(kind: type) -> st.SearchStrategy[Any]:
    found = kinds.type_info(kind)
    assert isinstance(found, kinds.StructType)
    return st.builds(kind, **{field.name: strategy(field.type) for field in found.fields})


def strategy(kind: kinds.Type) -> st.SearchStrategy[Any]:
    """Return values of ``kind``: what the struct allows, not what a description could give."""
    makers: dict[type, Callable[[Any], st.SearchStrategy[Any]]] = {
        kinds.StructType: lambda found: struct(found.cls),
        kinds.UnionType: lambda found: st.one_of([strategy(inner) for inner in found.types]),
        kinds.VarTupleType: lambda found: st.lists(strategy(found.item_type), max_size=2).map(tuple),
        kinds.TupleType: lambda found: st.tuples(*(strategy(item) for item in found.item_types)),
        kinds.DictType: lambda _: st.dictionaries(_TEXT, _TEXT, max_size=2),
        kinds.LiteralType: lambda found: st.sampled_from(found.values),
        kinds.StrType: lambda _: _TEXT,
        kinds.IntType: lambda _: st.integers(0, sys.maxsize),
        kinds.BoolType: lambda _: st.booleans(),
        kinds.NoneType: lambda _: st.none(),
    }
    return makers[type(kind)](kind)


@given(struct(Plan))
@settings(max_examples=30, deadline=None)
def test_any_plan_survives_json(plan: Plan) -> None:
    text = canonical_json(plan)
    again = msgspec.json.decode(text, type=Plan)
    assert again == plan
    assert (again.digest, canonical_json(again)) == (plan.digest, text)
    jsonschema.validate(json.loads(text), json.loads(schema("plan")))
