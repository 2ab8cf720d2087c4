# SPDX-License-Identifier: Apache-2.0
"""Prints ``docs/kiwi-command-line.md`` from the table: ``python -m runner.cli.kiwi.document``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.cli.kiwi.table import COMMANDS, COMMON, Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.cli.kiwi.table import Command, Switch

_HEAD = """\
# KIWI's command line

<!-- Made by: python -m runner.cli.kiwi.document. Change runner/cli/kiwi/table.py instead. -->

`packhouse kiwi` understands what `kiwi-ng` understands: in a script, write `packhouse kiwi` for `kiwi-ng`.

```sh
packhouse kiwi --type tbz --profile Server system build --description . --target-dir out
packhouse kiwi result bundle --target-dir out --id 42 --bundle-dir release
```

An option is **used**; or **ignored**, with a warning on standard error, where it changes nothing in the result; or
**refused**, with the reason, where going on would give something else than asked. Options marked † are ours.

What differs from `kiwi-ng`:

- Every error ends with exit status 1, as with `kiwi-ng`. The other commands of `packhouse` have
  [exit codes of their own](exit-codes.md).
- Repositories are verified, whatever the description says, until `--allow-unsigned-repositories` is given.
- No root is needed, and nothing of the machine's own configuration is read.
- `system build` also leaves a manifest, the lock and checksums beside the results, and no tree.
- `kiwi.result.json` is written and read, with names relative to it; `kiwi.result`, a Python pickle, is neither.
- `result bundle` never overwrites. The same results give the same bundle, byte for byte.
- `%M`, `%m` and `%p` of a version with fewer parts are `0`.
"""


def document() -> str:
    """Return the page."""
    parts = [_HEAD, "## Before or behind any command\n", _table(COMMON)]
    for command in COMMANDS:
        parts += [f"\n## {command.service} {command.name}\n", *_about(command)]
    return "\n".join(parts) + "\n"


def _about(command: Command) -> Iterator[str]:
    if command.refused:
        yield f"**Refused:** {command.refused}."
        return
    yield f"{command.text}\n"
    yield _table(command.switches)


def _table(switches: Iterable[Switch]) -> str:
    return "\n".join(["| option | | what happens |", "|---|---|---|", *(_row(switch) for switch in switches)])


def _row(switch: Switch) -> str:
    name = f"`{switch.name} {switch.metavar}`" if switch.metavar else f"`{switch.name}`"
    name += " †" if switch.ours else ""
    text = switch.text.rstrip(".").replace("|", "\\|").replace("<", "&lt;")
    fate = "" if switch.fate is Fate.USED else f"**{switch.fate.value}**"
    needed = " Required." if switch.required else ""
    return f"| {name} | {fate} | {text[:1].upper() + text[1:]}.{needed} |"


if __name__ == "__main__":
    sys.stdout.write(document())
