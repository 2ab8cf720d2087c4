# SPDX-License-Identifier: Apache-2.0
"""Attributes of ``<type>`` about the root filesystem."""

from __future__ import annotations

from runner.description.model.read import Attributes


class FilesystemAttributes(Attributes, frozen=True, kw_only=True):
    """How the root filesystem is made, named, mounted and labelled."""

    filesystem: str = ""
    fscreateoptions: str = ""
    fsmountoptions: tuple[str, ...] = ()
    rootfs_label: str = ""
    squashfscompression: str = ""
    erofscompression: str = ""
    selinux_policy: str = ""
    btrfs_quota_groups: bool | None = None
    btrfs_root_is_subvolume: bool | None = None
    btrfs_root_is_snapper_snapshot: bool | None = None
    btrfs_root_is_readonly_snapshot: bool | None = None
    btrfs_set_default_volume: bool | None = None
