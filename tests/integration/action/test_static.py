# SPDX-License-Identifier: Apache-2.0
"""The action and the workflow as linters see them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.integration


def check(*argv: str | Path) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.github-actions", "action.yml"), ("vendor.github-workflows", ".github/workflows/ci.yml")],
)
def test_fits_the_schema(schema: str, file: str) -> None:
    check(BIN / "check-jsonschema", "--builtin-schema", schema, file)


def test_zizmor_finds_nothing() -> None:
    said = check(BIN / "zizmor", "--offline", "--no-config", "action.yml", ".github/workflows")
    assert "No findings" in said


def test_no_expression_reaches_a_shell() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if re.search(r"run:.*\$\{\{", line)] == []
    assert "${{ inputs." in text


def test_shellcheck_finds_nothing() -> None:
    scripts = [ROOT / ".ci" / "run", *(ROOT / "scripts").glob("*.sh"), *(ROOT / "actions").rglob("*.sh")]
    assert len(scripts) > 5
    check("shellcheck", "--external-sources", *scripts)


def test_every_input_is_documented() -> None:
    action = (ROOT / "action.yml").read_text(encoding="utf-8")
    inputs, outputs = action.split("\ninputs:\n")[1].split("\nruns:")[0].split("\noutputs:\n")
    page = (ROOT / "docs" / "action.md").read_text(encoding="utf-8")
    names = re.findall(r"^  ([a-z0-9-]+):$", inputs + "\n" + outputs, re.MULTILINE)
    assert {"source", "sign-key", "manifest-digest"} <= set(names)
    assert [name for name in names if f"| `{name}` |" not in page] == []
