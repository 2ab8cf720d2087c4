# SPDX-License-Identifier: Apache-2.0
"""Image descriptions: find, parse, upgrade, validate, and read them into one immutable value.

The names below are imported when first used: the command line starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.description.finding import Finding, InvalidDescriptionError
    from runner.description.loader import load
    from runner.description.model.description import Description
    from runner.description.rules import check

__all__ = ["Description", "Finding", "InvalidDescriptionError", "check", "load"]

_HOMES = {
    "Description": "model.description",
    "Finding": "finding",
    "InvalidDescriptionError": "finding",
    "check": "rules",
    "load": "loader",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
