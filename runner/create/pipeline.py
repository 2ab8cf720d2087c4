# SPDX-License-Identifier: Apache-2.0
"""Create: from a root tree to the result files of its image type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from runner.create import kiwi_result
from runner.create.formats.vagrantfile import embedded
from runner.create.image import Image, ResultFile
from runner.create.inputs import CreateInputs
from runner.create.package_list import package_list
from runner.create.reduce import reduce_tree
from runner.create.registry import builder_for
from runner.create.staging import staged
from runner.create.toolchain import discover, toolchain_digest
from runner.create.tools import tools_of, version_of
from runner.digest import digest_of, sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.registry import Workshop
    from runner.plan.model import Plan
    from runner.seed import Seed

VERSION = 3
"""Of what is common to all types: what is left out, the package list, ``kiwi.result.json``."""


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    """What decides the bytes of an image; its digest is the key of the step."""

    tree: str
    inputs: CreateInputs
    version: int
    builder: str
    toolchain: str


def create_key(plan: Plan, *, tree_key: str, epoch: int, seed: Seed) -> str:
    """Return the key of the image that :func:`create` would make of the tree with ``tree_key``.

    Raises:
        BuildError: no builder for the type exists.
        HostError: a tool it needs is not installed.
    """
    return _key(CreateInputs.of(plan, epoch=epoch, seed=seed), tree_key)


def create(
    plan: Plan,
    root: Path,
    target: Path,
    *,
    epoch: int,
    seed: Seed,
    tree_key: str = "",
    workshop: Workshop,
) -> Image:
    """Pack the tree at ``root`` into the result files of the plan's type in ``target``.

    ``root`` is used up: it is stripped in place, so hand in a throw-away overlay of the tree. ``epoch`` is in
    seconds since 1970; no time in a result is later. ``tree_key`` identifies the tree in the image's key. Result
    files appear in ``target`` together, when all are finished.

    Raises:
        BuildError: the type cannot be built, a packing tool failed, or the tree does not fit the asked size.
        HostError: a tool is missing, or the disk of ``target`` is full.
    """
    builder = builder_for(plan.type.image)
    inputs = CreateInputs.of(plan, epoch=epoch, seed=seed)
    key, facts = _key(inputs, tree_key), dict[str, str]()
    with staged(target) as stage:
        inputs = msgspec.structs.replace(inputs, vagrantfile=embedded(root))
        packages = package_list(root)  # of what was installed, whatever is left out of the result
        if not builder.strips:
            reduce_tree(root, plan.type)
        files = builder.run(inputs, root, stage, replace(workshop, note=facts.__setitem__))
        if packages is not None:
            text = packages.encode("utf-8", "surrogateescape")
            files += (_write(stage, f"{inputs.stem}.packages", "packages", "text/plain", text),)
        listing = kiwi_result.kiwi_result(files, plan)
        files += (_write(stage, kiwi_result.NAME, "kiwi.result", "application/json", listing),)
    return Image(key=key, files=files, facts=facts)


def _key(inputs: CreateInputs, tree_key: str) -> str:
    tools = toolchain_digest(discover(tools_of(inputs.type)))
    return digest_of(
        _Key(tree=tree_key, inputs=inputs, version=VERSION, builder=version_of(inputs.type), toolchain=tools),
    )


def _write(stage: Path, name: str, role: str, media_type: str, content: bytes) -> ResultFile:
    (stage / name).write_bytes(content)
    return ResultFile(
        name=name,
        role=role,
        media_type=media_type,
        sha256=sha256_bytes(content),
        size=len(content),
        bundle_checksum=False,
    )
