# SPDX-License-Identifier: Apache-2.0
"""Prints ``docs/configuration.md`` from the structs: ``python -m runner.service.config.reference``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, get_origin

import msgspec

from runner.docstring import attributes
from runner.service.config.hints import fields_of, hint_of
from runner.service.config.model import OwnFile, ServiceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.hints import Hint

_HEAD = """\
# The configuration of the runner

<!-- Made by: python -m runner.service.config.reference. Change runner/service/config/ instead. -->

`packhouse serve` and `packhouse worker` read `packhouse.yaml`: in the folder they are started in, else
`/etc/packhouse/packhouse.yaml`, unless a path is given. Begin with an example:
[one machine](../examples/packhouse.yaml), or [three](../examples/packhouse-fleet.yaml).

```
$ packhouse config check packhouse.yaml
packhouse.yaml is right: 2 repositories, 1 destinations, 7 secrets, 1 notifications, 1 tokens
```

`config check` tells everything that is wrong at once, each with its line and key, and ends with 2.
`--no-files` leaves out whether the keys, scripts and secret files it names are on this machine, `--secrets` also
fetches each secret. `config show` prints the configuration with every default filled in. On SIGHUP the file is
read anew; one that is wrong changes nothing.

An editor that speaks YAML language server completes and explains keys where the file begins with

```yaml
# yaml-language-server: $schema=PATH/docs/schema/packhouse.schema.json
```

PATH or URL being where this repository, or a copy of that [schema](schema/packhouse.schema.json), is.

- A **duration** is a number with `s`, `m`, `h` or `d` behind it, or a number of seconds: `90s`, `1.5h`, `30d`.
- A **size** is a number with `K`, `M`, `G` or `T` behind it, in powers of 1024, or a number of bytes.
- A **path** that is relative counts from the folder of the file.
- A **pattern** knows `*`, `?` and `[…]`; `refs/heads/` and `refs/tags/` are left out.
- A **name** has letters, digits and `.` `_` `-` inside.
- A key that stands there without a value is as if it were not there. Anchors, aliases and `<<` work.

No value of a secret stands in the file: [`secrets`](#secretsname) says where each is, and everything else names
one. A secret is fetched when it is used, so that a changed one counts at once. URLs with logins are refused.
"""

_OWN = """
## `.packhouse.yaml` in a repository

At the top of a repository it says what its owners decide for themselves, unless `own_file: false` forbids it.
At most 64 KiB; it has a [schema](schema/packhouse-own-file.schema.json) too.
"""


def document() -> str:
    """Return the page."""
    parts = [_HEAD, "## At the top\n", _table(ServiceConfig), *_sections(ServiceConfig, "", set()), _OWN]
    return "\n".join([*parts, _table(OwnFile)]) + "\n"


def _sections(struct: type[msgspec.Struct], path: str, done: set[type]) -> Iterator[str]:
    """Yield a section for each struct below ``struct``; one that stands at several levels, at the upper one."""
    below = [(entry, *_within(hint_of(entry.type))) for entry in fields_of(struct)]
    told = done | {inner for _, inner, _ in below if inner}
    for entry, inner, steps in below:
        if inner is None or inner in done:
            continue
        here = f"{path}{entry.encode_name}{steps}"
        yield f"\n## `{here}`\n\n{attributes(inner.__doc__ or '').summary}\n"
        yield _table(inner)
        yield from _sections(inner, f"{here}.", told)


def _within(hint: Hint) -> tuple[type[msgspec.Struct] | None, str]:
    """Return the struct in a type, and how its place is written."""
    if hint.struct is not None:
        return hint.struct, ""
    if get_origin(hint.base) is dict:
        return hint_of(hint.inner[1]).struct, ".NAME"
    if get_origin(hint.base) is tuple:
        return hint_of(hint.inner[0]).struct, "[]"
    return None, ""


def _table(struct: type[msgspec.Struct]) -> str:
    told = attributes(struct.__doc__ or "").texts
    rows = [
        f"| `{name}` | {_words(hint_of(entry.type))} | {_default(entry)} | {told[name]} |"
        for entry in fields_of(struct)
        for name in [entry.encode_name]
    ]
    return "\n".join(["| key | value | default | |", "|---|---|---|---|", *rows])


def _words(hint: Hint) -> str:
    """Say what a value is."""
    if hint.choices:
        return ", ".join(f"`{choice}`" for choice in hint.choices)
    if hint.struct is not None:
        return "keys"
    if get_origin(hint.base) is dict:
        key, value = (_words(hint_of(inner)) for inner in hint.inner)
        return f"{key}: {value}"
    if get_origin(hint.base) is tuple:
        return f"[{_words(hint_of(hint.inner[0]))}, …]"
    plain = {bool: "`true`, `false`", int: "number", float: "number"}
    return hint.title or plain.get(hint.base, "text")


def _default(entry: msgspec.structs.FieldInfo) -> str:
    if entry.required:
        return "**required**"
    value: Any = entry.default
    if value is msgspec.NODEFAULT:
        value = entry.default_factory() if callable(entry.default_factory) else None
    if value in (None, "", (), {}) or isinstance(value, msgspec.Struct):
        return ""
    return f"`{_written(value, hint_of(entry.type))}`"


def _written(value: Any, hint: Hint) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | dict):
        return json.dumps(value)
    return hint.reading.write(value)


if __name__ == "__main__":
    sys.stdout.write(document())
