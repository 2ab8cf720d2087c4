# SPDX-License-Identifier: Apache-2.0
"""The initrd: who makes it, and what ``<initrd>`` adds to it or leaves out."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.read import Attributes, Part


class InitrdAttributes(Attributes, frozen=True, kw_only=True):
    """``boot``, ``bootkernel`` and ``bootprofile`` belong to initrds with a description of their own."""

    initrd_system: str = ""
    boot: str = ""
    bootkernel: str = ""
    bootprofile: str = ""


class Dracut(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "dracut"

    module: str = ""
    driver: str = ""
    uefi: bool | None = None


class Initrd(Part, frozen=True, kw_only=True):
    """``<initrd>``: ``action`` is add, omit, set or setup."""

    TAG: ClassVar[str] = "initrd"

    action: str = ""
    dracut: tuple[Dracut, ...] = ()
