# SPDX-License-Identifier: Apache-2.0
"""``<strip>`` and ``<drivers>``: lists for the initrds of old, which now only become variables."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.element import Section
from runner.description.model.read import Part


class Entry(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "file"

    name: str = ""
    arch: tuple[str, ...] = ()


class Strip(Part, Section, frozen=True, kw_only=True):
    """``<strip>``: ``type`` is delete, tools or libs."""

    TAG: ClassVar[str] = "strip"

    type: str = ""
    files: tuple[Entry, ...] = ()


class Drivers(Part, Section, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "drivers"

    files: tuple[Entry, ...] = ()
