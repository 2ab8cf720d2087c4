# SPDX-License-Identifier: Apache-2.0
"""Speaks to the workflow runner for the action: log groups, annotations, outputs and the job's summary.

``follow`` turns the running build's standard error into a log, ``result`` reports the files it made.
What a build prints comes from others (package and image scripts): it must never be taken for a workflow command,
so command processing is off while it is shown. Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_PHASE = "--- "


@dataclass(slots=True)
class Log:
    """The runner's log: one group a phase, everything in it shown as it is."""

    _token: str = field(default_factory=lambda: secrets.token_hex(16))
    _phase: str | None = None
    _since: float = 0.0

    def enter(self, phase: str) -> None:
        self.leave()
        self._phase, self._since = phase, time.monotonic()
        print(f"::group::{phase}\n::stop-commands::{self._token}", flush=True)

    def leave(self) -> None:
        if self._phase is not None:
            print(f"::{self._token}::\n::endgroup::")
            print(f"{self._phase}: {time.monotonic() - self._since:.1f} s", flush=True)
            self._phase = None


def follow(lines: Iterable[str]) -> dict[str, Any] | None:
    """Show ``lines`` as they come; return the error among them, if there is one."""
    log = Log()
    error = None
    log.enter("start")
    for raw in lines:
        line = raw.rstrip("\n")
        found = _error_in(line)
        if found is not None:
            error = found
        elif line.startswith(_PHASE):
            log.enter(line.removeprefix(_PHASE))
        else:
            print(line, flush=True)
    log.leave()
    return error


def show(lines: Iterable[str]) -> None:
    """Print lines that others wrote, ungrouped."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", *lines, f"::{token}::", sep="\n", flush=True)


def _error_in(line: str) -> dict[str, Any] | None:
    if not line.startswith('{"error"'):
        return None
    try:
        error = json.loads(line)["error"]
    except (ValueError, KeyError):
        return None
    return error if isinstance(error, dict) and "what" in error else None


def annotation(error: dict[str, Any], workspace: Path, source: str) -> str:
    """Return the workflow command that shows ``error``, at its line when the file is in the workspace."""
    properties = {"title": f"Packhouse: {error.get('kind', 'error')}"}
    file = _in_workspace(error.get("file"), workspace, source)
    if file is not None:
        properties |= {"file": file, "line": str(error.get("line") or 1)}
    shown = ",".join(f"{key}={_escaped(value, also=':,')}" for key, value in properties.items())
    return f"::error {shown}::{_escaped(message(error, located=file is not None))}"


def message(error: dict[str, Any], *, located: bool = False) -> str:
    """Return what, why and what to do; and where, unless the annotation is ``located`` there."""
    where = error.get("where") if not located else None
    lines = [f"{where}: {error['what']}" if where else str(error["what"])]
    if error.get("why"):
        lines.append(f"because: {error['why']}")
    if error.get("hint"):
        lines.append(f"to fix: {error['hint']}")
    return "\n".join(lines)


def _in_workspace(file: str | None, workspace: Path, source: str) -> str | None:
    """Return the path of ``file`` below the workspace, or None when it lies elsewhere."""
    if not file:
        return None
    folders = (workspace, workspace / source, workspace / source / os.environ.get("INPUT_DESCRIPTION", ""))
    for folder in folders:
        path = (folder / file).resolve()
        if path.is_file() and path.is_relative_to(workspace.resolve()):
            return str(path.relative_to(workspace.resolve()))
    return None


def _escaped(text: str, *, also: str = "") -> str:
    for char in "%\r\n" + also:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


@dataclass(frozen=True, slots=True)
class Result:
    """A finished build: its folder, manifest and artifacts."""

    folder: Path
    manifest: Path
    digest: str
    image: dict[str, Any]
    artifacts: list[dict[str, Any]]


def read_result(folder: Path) -> Result:
    """Read what a build left in ``folder``."""
    (manifest,) = folder.glob("*.manifest.json")
    raw = manifest.read_bytes()
    facts = json.loads(raw)
    artifacts = [
        {
            "name": item["name"],
            "path": str(folder / item["name"]),
            "size": item["size"],
            "sha256": item["digest"]["sha256"],
        }
        for item in facts["artifacts"]
    ]
    return Result(folder, manifest, "sha256:" + hashlib.sha256(raw).hexdigest(), facts["image"], artifacts)


def outputs(result: Result) -> str:
    """Return the action's outputs in the form of the runner's output file."""
    values = {
        "manifest-path": str(result.manifest),
        "manifest-digest": result.digest,
        "artifacts": json.dumps(result.artifacts),
        "target-dir": str(result.folder),
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def summary(result: Result, *, signed: bool, published: str | None, channel: str | None) -> str:
    """Return the job's summary in Markdown: the files, and how to check them."""
    image = result.image
    lines = [
        f"### {image['name']} {image['version']} ({image['type']}, {image['arch']})",
        "",
        "| file | size | sha256 |",
        "| --- | ---: | --- |",
        *(f"| `{item['name']}` | {_size(item['size'])} | `{item['sha256']}` |" for item in result.artifacts),
        "",
        f"Manifest `{result.manifest.name}`, `{result.digest}`",
    ]
    if published:
        lines += ["", f"Published to `{published}`" + (f", channel `{channel}`" if channel else "")]
    if signed:
        name = f"{image['name']}:{channel}" if channel else image["name"]
        check = f"packhouse verify {result.folder.name} --key KEY.pub"
        fetch = f"packhouse fetch '{published}' {name} --key KEY.pub -o {result.folder.name}"
        lines += ["", "```sh", fetch if published else check, "```"]
    return "\n".join(lines) + "\n\n"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"  # noqa: PLR2004 - SI units


def _append(variable: str, text: str) -> None:
    """Append to one of the runner's command files; without a runner there is none."""
    if os.environ.get(variable):
        with Path(os.environ[variable]).open("a", encoding="utf-8") as stream:
            stream.write(text)


def _follow_command() -> None:
    sys.stdin.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # it is a text stream
    error = follow(sys.stdin)
    if error is None:
        return
    show(error.get("log_tail") or [])
    workspace = Path(os.environ.get("GITHUB_WORKSPACE", "."))
    print(annotation(error, workspace, os.environ.get("INPUT_SOURCE", "")), flush=True)
    _append("GITHUB_STEP_SUMMARY", f"### The build failed\n\n```\n{message(error)}\n```\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("follow")
    result = commands.add_parser("result")
    result.add_argument("folder", type=Path)
    result.add_argument("--signed", action="store_true")
    result.add_argument("--published")
    result.add_argument("--channel")
    args = parser.parse_args()
    if args.command == "follow":
        _follow_command()
        return
    made = read_result(args.folder.resolve())
    _append("GITHUB_OUTPUT", outputs(made))
    text = summary(made, signed=args.signed, published=args.published, channel=args.channel)
    _append("GITHUB_STEP_SUMMARY", text)
    print(text)


if __name__ == "__main__":
    main()
