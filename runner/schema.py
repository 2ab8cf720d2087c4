# SPDX-License-Identifier: Apache-2.0
"""Write the JSON Schema of every value that leaves the house: ``python -m runner.schema docs/schema``."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import msgspec

SCHEMAS = {
    "plan": "runner.plan.model:Plan",
    "lock": "runner.packages.lockfile:LockFile",
    "manifest": "runner.release.manifest:Manifest",
}
"""File stem and the struct it describes, as ``module:name``. A new value is one line."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> str:
    """Return the JSON Schema (draft 2020-12) registered as ``name``, as indented JSON with sorted keys."""
    module, _, struct = SCHEMAS[name].partition(":")
    document = msgspec.json.schema(getattr(import_module(module), struct))
    document = {"$schema": _DIALECT, "$id": f"urn:packhouse:schema:{name}:v1", **document}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


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
