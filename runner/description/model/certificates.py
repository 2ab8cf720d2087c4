# SPDX-License-Identifier: Apache-2.0
"""``<certificates>``: authorities the image trusts."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.element import Section
from runner.description.model.read import Part


class Certificate(Part, frozen=True, kw_only=True):
    """``<certificate>``: ``name`` is the path of one file."""

    TAG: ClassVar[str] = "certificate"

    name: str = ""


class Certificates(Part, Section, frozen=True, kw_only=True):
    """``<certificates>``: ``target_distribution`` decides where they lie and what updates the store."""

    TAG: ClassVar[str] = "certificates"

    target_distribution: str = ""
    certificates: tuple[Certificate, ...] = ()
