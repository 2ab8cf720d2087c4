# SPDX-License-Identifier: Apache-2.0
"""Which module makes which image type: a new type is one new module and one line here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.errors import BuildError
from runner.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.process import LineSink
    from runner.sandbox.api import Sandbox

MODULES = {
    "btrfs": "runner.create.filesystem",
    "docker": "runner.create.docker",
    "erofs": "runner.create.packed",
    "ext2": "runner.create.ext",
    "ext3": "runner.create.ext",
    "ext4": "runner.create.ext",
    "oci": "runner.create.oci",
    "oem": "runner.create.oem",
    "squashfs": "runner.create.packed",
    "tbz": "runner.create.tbz",
    "xfs": "runner.create.filesystem",
}
"""KIWI's type name to the module whose ``BUILDER`` makes it; imported only when used."""


class Once(Protocol):
    """Return a folder that ``make`` has filled, in this build or in an earlier one with the same ``key``.

    Nobody may change what is in it. ``name`` is what people call it, and part of the key.
    """

    def __call__(self, name: str, key: str, make: Callable[[Path], None], /) -> Path: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a builder works with.

    Attributes:
        sandbox: runs programs of the tree.
        once: makes what is expensive once for equal inputs.
        view: shows a tree, which must not change meanwhile, as another one that is writable and goes afterwards.
        sink: takes what tools say.
        limits: bound each program of the tree.
        note: takes what the manifest is to say of the image, by the name of the field.
    """

    sandbox: Sandbox
    once: Once
    view: Callable[[Path], AbstractContextManager[Path]]
    sink: LineSink | None = None
    limits: Limits = Limits()
    note: Callable[[str, str], None] = lambda _name, _value: None


class Run(Protocol):
    """Make the result files of ``inputs`` from the tree at ``root`` in the empty-handed folder ``stage``.

    The tree is stripped already, unless the builder ``strips`` it, and belongs to this call.
    A builder leaves nothing but its result files in ``stage``.
    """

    def __call__(
        self, inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop
    ) -> tuple[ResultFile, ...]: ...


@dataclass(frozen=True, slots=True)
class Builder:
    """One way to pack a tree. ``version`` grows whenever equal inputs and tools would give other bytes.

    ``strips``: it strips the tree itself, because it runs scripts of the description first.
    """

    version: int
    tools: tuple[str, ...]
    run: Run
    strips: bool = False


def builder_for(image: str) -> Builder:
    """Return the builder of KIWI's image type ``image``.

    Raises:
        BuildError: no builder for that type exists.
    """
    try:
        module = importlib.import_module(MODULES[image])
    except KeyError:
        raise BuildError(
            f"image type {image} cannot be built yet", hint="types that can: " + ", ".join(sorted(MODULES))
        ) from None
    builder = module.BUILDER
    if not isinstance(builder, Builder):
        raise TypeError(f"{module.__name__}.BUILDER is not a Builder")
    return builder
