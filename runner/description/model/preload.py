# SPDX-License-Identifier: Apache-2.0
"""``<containers>``: registry containers that the image brings along."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.element import Section
from runner.description.model.read import Part


class Container(Part, frozen=True, kw_only=True):
    """``<container>``: one of them, on the machines of ``arch`` or everywhere."""

    TAG: ClassVar[str] = "container"

    name: str = ""
    path: str = ""
    tag: str = ""
    fetch_only: bool | None = None
    arch: tuple[str, ...] = ()


class Containers(Part, Section, frozen=True, kw_only=True):
    """``<containers>``: ``source`` is a registry's address, ``backend`` the tool that loads them."""

    TAG: ClassVar[str] = "containers"

    source: str = ""
    backend: str = ""
    containers: tuple[Container, ...] = ()
