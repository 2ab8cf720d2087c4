# SPDX-License-Identifier: Apache-2.0
"""What a result is made from besides the tree: the part of the plan that packing looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.plan.model import TypePlan
from runner.seed import Seed

if TYPE_CHECKING:
    from runner.plan.model import Plan


class CreateInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a builder may depend on apart from the tree and the tools; its digest is part of the key.

    Attributes:
        stem: ``<name>.<arch>-<version>``, the first part of every result file name.
        arch: as ``uname -m`` says (``ix86`` for 32-bit x86).
        epoch: seconds since 1970; no time in a result is later.
        seed: what every UUID of the result is derived from, hexadecimal.
        author: ``Name <contact>`` of the description.
        title: what people call the image.
        about: a sentence about it; may be empty.
        vagrantfile: the description's own for a Vagrant box. It is part of the tree, so not of the key.
        environment: the ``kiwi_*`` variables, for scripts that are run while packing.
    """

    stem: str
    type: TypePlan
    arch: str
    epoch: int
    seed: str
    author: str = ""
    title: str = ""
    about: str = ""
    vagrantfile: bytes = b""
    environment: dict[str, str] = {}

    @classmethod
    def of(cls, plan: Plan, *, epoch: int, seed: Seed) -> CreateInputs:
        contact = f"<{plan.image.contact}>" if plan.image.contact else ""
        author = " ".join(part for part in (plan.image.author, contact) if part)
        value = seed.value.hex()
        return cls(
            stem=plan.stem,
            type=plan.type,
            arch=plan.arch,
            epoch=epoch,
            seed=value,
            author=author,
            title=plan.image.displayname or plan.image.name,
            about=plan.image.specification,
            environment=plan.environment,
        )

    def compression(self, filesystem: str) -> str:
        """Return how ``filesystem`` is to compress, as the description names it; empty: as it does by itself."""
        kind = self.type
        return {"erofs": kind.erofscompression, "squashfs": kind.squashfscompression}.get(filesystem, "")

    def uuid(self, purpose: str) -> str:
        """Return the UUID of this image for ``purpose``."""
        return str(Seed(bytes.fromhex(self.seed)).uuid(purpose))
