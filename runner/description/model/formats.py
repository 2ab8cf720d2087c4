# SPDX-License-Identifier: Apache-2.0
"""Attributes of ``<type>`` about the files that come out."""

from __future__ import annotations

from runner.description.model.read import Attributes


class FormatAttributes(Attributes, frozen=True, kw_only=True):
    """Disk formats, and what single results ask for."""

    format: str = ""
    formatoptions: tuple[str, ...] = ()
    bundle_format: str = ""
    vhdfixedtag: str = ""
    gcelicense: str = ""
    archive: bool | None = None
    compressed: bool | None = None
    metadata_path: str = ""
    enclave_format: str = ""


class ContainerAttributes(Attributes, frozen=True, kw_only=True):
    """What a container is made from and carries."""

    derived_from: str = ""
    delta_root: bool | None = None
    ensure_empty_tmpdirs: bool | None = None
    provide_system_files: bool | None = None
    require_system_files: bool | None = None
