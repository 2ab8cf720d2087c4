# SPDX-License-Identifier: Apache-2.0
"""What docker and OCI archives share: one layer and the image configuration.

The configuration follows the OCI image specification 1.1 (``config.md``), which docker reads too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.create.compress import compressing, xz_command
from runner.create.image import ResultFile
from runner.create.tar import TarWriter
from runner.digest import HashingWriter
from runner.plan.model import ContainerPlan, HistoryPlan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.create.inputs import CreateInputs

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "ix86": ("386", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5el": ("arm", "v5"),
    "ppc64le": ("ppc64le", ""),
    "ppc64": ("ppc64", ""),
    "riscv64": ("riscv64", ""),
    "s390x": ("s390x", ""),
    "loongarch64": ("loong64", ""),
}
"""``uname -m`` to Go's architecture and variant names."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An uncompressed layer file; its digest is both blob digest and ``diff_id``."""

    path: Path
    sha256: str
    size: int


def write_layer(root: Path, path: Path, epoch: int) -> Layer:
    """Write the tree as one layer: not compressed, since the archive around it is."""
    with path.open("xb", buffering=1 << 20) as file:
        stream = HashingWriter(file)
        tar = TarWriter(stream, epoch)
        tar.add_tree(root)
        tar.close()
    return Layer(path, stream.sha256, stream.size)


def write_archive(
    inputs: CreateInputs, path: Path, media_type: str, fill: Callable[[TarWriter], None]
) -> ResultFile:
    """Write the xz-compressed tar archive whose members ``fill`` adds."""
    with compressing(path, xz_command()) as stream:
        tar = TarWriter(stream, inputs.epoch)
        fill(tar)
        tar.close()
    packed = stream.done()
    return ResultFile(
        name=path.name,
        role="container",
        media_type=media_type,
        sha256=packed.sha256,
        size=packed.size,
        uncompressed_sha256=packed.uncompressed_sha256,
        uncompressed_size=packed.uncompressed_size,
    )


def container_of(inputs: CreateInputs) -> ContainerPlan:
    """Return the container settings of the plan, or KIWI's defaults when it has none."""
    return inputs.type.container or ContainerPlan()


def image_config(inputs: CreateInputs, layer: Layer) -> dict[str, Any]:
    """Return the image configuration with one layer, ready to be encoded."""
    plan = container_of(inputs)
    author = plan.maintainer or inputs.author
    created = datetime.fromtimestamp(inputs.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    architecture, variant = _ARCHITECTURES.get(inputs.arch, (inputs.arch, ""))
    return _without_empty(
        {
            "architecture": architecture,
            "author": author,
            "config": _run_config(plan),
            "created": created,
            "history": [_history(plan, created, author)],
            "os": "linux",
            "rootfs": {"diff_ids": [f"sha256:{layer.sha256}"], "type": "layers"},
            "variant": variant,
        }
    )


def _history(plan: ContainerPlan, created: str, author: str) -> dict[str, str]:
    told = plan.history or HistoryPlan(created_by="", author="")
    return _without_empty(
        {
            "author": told.author or author,
            "comment": told.comment,
            "created": created,
            "created_by": told.created_by or "packhouse",
        }
    )


def _run_config(plan: ContainerPlan) -> dict[str, Any]:
    environment = {"PATH": DEFAULT_PATH, **plan.environment}
    settings = {
        "Cmd": list(plan.subcommand or ()),
        "Entrypoint": list(plan.entrypoint or ()),
        "Env": [f"{key}={environment[key]}" for key in sorted(environment)],
        "ExposedPorts": {_port(port): {} for port in plan.expose},
        "Labels": plan.labels,
        "StopSignal": plan.stopsignal,
        "User": plan.user,
        "Volumes": {volume: {} for volume in plan.volumes},
        "WorkingDir": plan.workingdir,
    }
    return _without_empty(settings)


def _port(port: str) -> str:
    return port if "/" in port else f"{port}/tcp"


def _without_empty(members: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}
