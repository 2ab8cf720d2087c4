# SPDX-License-Identifier: Apache-2.0
"""From a description to one plan. The names below are imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.plan.make import Combination, combinations, make_plan
    from runner.plan.model import Plan

__all__ = ["Combination", "Plan", "combinations", "make_plan"]

_HOMES = {"Combination": "make", "Plan": "model", "combinations": "make", "make_plan": "make"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
