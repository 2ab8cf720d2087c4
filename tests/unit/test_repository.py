# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from runner import errors

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES = 400
FUNCTION_LINES = 40
SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE_SUFFIXES = {".py", ".sh", ".yml", ".yaml", ".rng", ".rnc", ".xsl", ".toml"}


def tracked() -> list[Path]:
    """All files that belong to the repository, new ones included."""
    try:
        listing = subprocess.run(
            (
                "git",
                "-c",
                f"safe.directory={ROOT}",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ),
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    names = listing.stdout.decode().split("\0")
    return [ROOT / name for name in sorted(filter(None, names)) if (ROOT / name).is_file()]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    """The text of ``path``; nothing for a binary file."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", "replace")


def modules() -> list[Path]:
    return sorted((ROOT / "runner").rglob("*.py"))


def test_source_files_name_their_licence() -> None:
    missing = [
        shown(path)
        for path in tracked()
        if (path.suffix in CODE_SUFFIXES or path.name == "Makefile" or text_of(path).startswith("#!"))
        if path.relative_to(ROOT).parts[0] != "examples"
        if not any(SPDX in line for line in text_of(path).splitlines()[:3])
    ]
    assert missing == []


def test_modules_are_short() -> None:
    long = {shown(path): lines for path in modules() if (lines := len(text_of(path).splitlines())) > MODULE_LINES}
    assert long == {}


def test_functions_are_short() -> None:
    long = {
        f"{shown(path)}:{node.lineno} {node.name}": lines
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := code_lines(node)) > FUNCTION_LINES
    }
    assert long == {}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body from its first statement to its last; neither signature nor docstring."""
    first = function.body[1:2] if ast.get_docstring(function, clean=False) is not None else function.body[:1]
    return (function.end_lineno or 0) - first[0].lineno + 1 if first else 0


def test_no_file_names_a_package_registry_or_a_machine() -> None:
    # Put together here, so that this file does not name them either.
    forbidden = [
        "pypi" + ".org",
        "files.pythonhosted" + ".org",
        "deb.debian" + ".org",
        "security.debian" + ".org",
        "archive.ubuntu" + ".com",
        "registry.npmjs" + ".org",
        "/" + "work/",
        "/tmp" + "/v/",
        "/" + "root/.pyenv",
    ]
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(text)}" for text in forbidden))
    found = [
        f"{shown(path)}:{number}: {match.group()}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if (match := pattern.search(line))
    ]
    assert found == []


def known_errors(base: type[errors.PackhouseError] = errors.PackhouseError) -> list[type[errors.PackhouseError]]:
    """``base`` and the classes below it that the error module itself defines."""
    below = [kind for child in base.__subclasses__() for kind in known_errors(child)]
    return [kind for kind in (base, *below) if kind.__module__ == errors.__name__]


def test_documented_exit_codes_are_the_real_ones() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (?:`([a-z-]+)`)? ?\|", page, re.MULTILINE)
    real = [(str(error.exit_code), error.kind) for error in known_errors()]
    assert sorted(rows) == sorted([("0", ""), *real, (str(errors.INTERRUPTED), "")])


def test_readme_names_real_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    asked = {
        name for page in pages for name in re.findall(r"(?:`|^|\$ )make ([a-z-]+)", text_of(page), re.MULTILINE)
    }
    assert asked - targets == set()
    assert {"demo", "test"} <= asked


def requirement_names(specifiers: list[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", text)[0]).lower() for text in specifiers}


@pytest.mark.parametrize(("file", "extra"), [("runtime", False), ("dev", True)])
def test_every_dependency_is_pinned_by_hash(file: str, extra: bool) -> None:  # noqa: FBT001 - a parameter
    text = (ROOT / "requirements" / f"{file}.txt").read_text(encoding="utf-8")
    pins = re.split(r"\n(?=[a-z0-9])", text[text.index("\n\n") if text.startswith("\n") else 0 :])
    pinned = {match.group(1): pin for pin in pins if (match := re.match(r"([a-z0-9-]+)==\S+", pin))}
    assert [name for name, pin in pinned.items() if "--hash=sha256:" not in pin] == []

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + (project["optional-dependencies"]["dev"] if extra else [])
    assert requirement_names(wanted) - pinned.keys() == set()


def test_workflows_pin_actions_to_commits() -> None:
    files = [ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")]
    used = [name for path in files for name in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))]
    assert used
    assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name)] == []
