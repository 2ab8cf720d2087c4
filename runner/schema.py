# SPDX-License-Identifier: Apache-2.0
"""Write the JSON Schema of every file we write or read: ``python -m runner.schema docs/schema``."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from runner.docstring import attributes

SCHEMAS = {
    "plan": "runner.plan.model:Plan",
    "lock": "runner.packages.lockfile:LockFile",
    "manifest": "runner.release.manifest:Manifest",
    "changes": "runner.release.changes:Changes",
    "packhouse": "runner.service.config.model:ServiceConfig",
    "packhouse-own-file": "runner.service.config.model:OwnFile",
}
"""File stem and the struct it describes, as ``module:name``. A new value is one line."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> str:
    """Return the JSON Schema (draft 2020-12) registered as ``name``, as indented JSON with sorted keys."""
    module, _, struct = SCHEMAS[name].partition(":")
    document = msgspec.json.schema(getattr(import_module(module), struct))
    for definition in document["$defs"].values():
        _tell(definition)
    document = {"$schema": _DIALECT, "$id": f"urn:packhouse:schema:{name}:v1", **document}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tell(definition: dict[str, Any]) -> None:
    """Give each property the text that the docstring of its struct has for it."""
    told = attributes(definition.get("description", ""))
    if told.summary:
        definition["description"] = told.summary
    for name, node in definition.get("properties", {}).items():
        if name in told.texts:
            node["description"] = told.texts[name]
        _allow_text(node)


def _allow_text(node: dict[str, Any]) -> None:
    """A number with ``x-text`` may also be a text of that pattern, as ``5m`` is for 300."""
    if "x-text" in node:
        node["pattern"] = node.pop("x-text")
        node["type"] = [node["type"], "string"]


def write_schemas(directory: Path) -> list[Path]:
    """Write all schemas to ``directory`` as ``NAME.schema.json`` and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for name in SCHEMAS:
        path = directory / f"{name}.schema.json"
        path.write_text(schema(name), encoding="utf-8")
        files.append(path)
    return files


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema"))
