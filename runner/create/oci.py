# SPDX-License-Identifier: Apache-2.0
"""``oci``: the tree as ``N.oci.tar.xz``, an archive of an OCI image layout.

See the OCI image specification 1.1, ``image-layout.md``. The layer inside is not compressed: the archive is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.create.container import container_of, image_config, write_archive, write_layer
from runner.create.registry import Builder
from runner.digest import canonical_json, sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.container import Layer
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop
    from runner.create.tar import TarWriter

_CONFIG = "application/vnd.oci.image.config.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


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
    manifest = canonical_json(_manifest(config, layer))
    index = canonical_json(_index(manifest, container_of(inputs).tag))

    def fill(tar: TarWriter) -> None:
        tar.add_bytes("oci-layout", canonical_json({"imageLayoutVersion": "1.0.0"}))
        tar.add_bytes("index.json", index)
        tar.add_folder("blobs")
        tar.add_folder("blobs/sha256")
        tar.add_bytes(_blob(sha256_bytes(manifest)), manifest)
        tar.add_bytes(_blob(sha256_bytes(config)), config)
        tar.add_file(_blob(layer.sha256), layer.path)

    name = f"{inputs.stem}.oci.tar.xz"
    result = write_archive(inputs, stage / name, "application/x-xz", fill)
    layer.path.unlink()
    return (result,)


def _blob(sha256: str) -> str:
    return f"blobs/sha256/{sha256}"


def _manifest(config: bytes, layer: Layer) -> dict[str, Any]:
    return {
        "config": _descriptor(_CONFIG, sha256_bytes(config), len(config)),
        "layers": [_descriptor(_LAYER, layer.sha256, layer.size)],
        "mediaType": _MANIFEST,
        "schemaVersion": 2,
    }


def _index(manifest: bytes, tag: str) -> dict[str, Any]:
    entry = _descriptor(_MANIFEST, sha256_bytes(manifest), len(manifest))
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    return {"manifests": [entry], "mediaType": _INDEX, "schemaVersion": 2}


def _descriptor(media_type: str, sha256: str, size: int) -> dict[str, Any]:
    return {"digest": f"sha256:{sha256}", "mediaType": media_type, "size": size}


BUILDER = Builder(version=1, tools=("xz",), run=run)
