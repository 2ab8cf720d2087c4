# SPDX-License-Identifier: Apache-2.0
"""The plans of the examples, whole; the JSON Schemas in the repository; and how long planning takes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import jsonschema
import msgspec
import pytest

from runner import __version__
from runner.description import load
from runner.plan import combinations, make_plan
from runner.plan.model import Plan
from runner.schema import SCHEMAS, schema

TOP = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = ("debian-minimal", "debian-rootfs")
REFRESH = "PACKHOUSE_REFRESH_GOLDEN"
"""Set it to write the golden files anew; then read the diff."""

SECONDS = 0.06


def rendered(name: str) -> str:
    """All plans of an example, without what changes with every version or edit of a comment."""
    description = load(TOP / "examples" / name)
    plans = []
    for entry in combinations(description, arch="x86_64"):
        plan = make_plan(description, profiles=entry.profiles, type_name=entry.type_name, arch="x86_64")
        plain = msgspec.to_builtins(plan)
        plain["description"]["digest"] = "DIGEST"
        plans.append(plain)
    text = json.dumps(plans, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.replace(f"Packhouse {__version__}", "Packhouse VERSION")


@pytest.mark.parametrize("name", EXAMPLES)
def test_plans_of_the_examples(name: str) -> None:
    path, text = GOLDEN / f"{name}.json", rendered(name)
    if os.environ.get(REFRESH):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_plan_can_be_printed_and_read_back(name: str) -> None:
    plan = make_plan(load(TOP / "examples" / name))
    again = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    assert again == plan
    assert again.digest == plan.digest
    jsonschema.validate(json.loads(msgspec.json.encode(plan)), json.loads(schema("plan")))


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schemas_are_those_of_the_structs(name: str) -> None:
    committed = TOP / "docs" / "schema" / f"{name}.schema.json"
    assert committed.read_text(encoding="utf-8") == schema(name), "run: python -m runner.schema docs/schema"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema(name)))


def test_loading_and_planning_is_fast() -> None:
    best = min(timed() for _ in range(5))
    assert best < SECONDS


def timed() -> float:
    start = time.process_time()
    make_plan(load(TOP / "examples" / "debian-minimal"))
    return time.process_time() - start
