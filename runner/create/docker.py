# SPDX-License-Identifier: Apache-2.0
"""``docker``: the tree as ``N.docker.tar.xz``, a docker-archive that ``docker load``, podman and skopeo read.

Layout: ``manifest.json`` beside the configuration and one layer, each named by its digest (moby's image
specification 1.2, "Combined Image JSON + Filesystem Changeset Format").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.container import container_of, image_config, write_archive, write_layer
from runner.create.registry import Builder
from runner.digest import canonical_json, sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop
    from runner.create.tar import TarWriter
    from runner.plan.model import ContainerPlan


def run(
    inputs: CreateInputs,
    root: Path,
    stage: Path,
    workshop: Workshop,  # noqa: ARG001 - no tool runs here
) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    return pack(inputs, root, stage)


def pack(inputs: CreateInputs, root: Path, stage: Path) -> tuple[ResultFile, ...]:
    """Pack ``root``, whatever it is."""
    layer = write_layer(root, stage / "layer.tar", inputs.epoch)
    config = canonical_json(image_config(inputs, layer))
    config_name = f"{sha256_bytes(config)}.json"
    layer_name = f"{layer.sha256}.tar"
    tags = repository_tags(container_of(inputs))
    manifest = canonical_json([{"Config": config_name, "Layers": [layer_name], "RepoTags": tags}])

    def fill(tar: TarWriter) -> None:
        tar.add_bytes("manifest.json", manifest)
        tar.add_bytes(config_name, config)
        tar.add_file(layer_name, layer.path)

    name = f"{inputs.stem}.docker.tar.xz"
    result = write_archive(inputs, stage / name, "application/x-xz", fill)
    layer.path.unlink()
    return (result,)


def repository_tags(plan: ContainerPlan) -> list[str]:
    """Return ``name:tag`` and the additional names, a missing half of which is filled from these two."""
    tags = [f"{plan.name}:{plan.tag}"]
    for additional in plan.additional_names:
        name, colon, tag = additional.rpartition(":")
        if not colon or "/" in tag:  # no tag, or the colon of a registry's port
            name, tag = additional, ""
        tags.append(f"{name or plan.name}:{tag or plan.tag}")
    return list(dict.fromkeys(tags))


BUILDER = Builder(version=1, tools=("xz",), run=run)
