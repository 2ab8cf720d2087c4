# SPDX-License-Identifier: Apache-2.0
"""A btrfs written from a tree by us: subvolumes, and equal bytes, which mkfs.btrfs does not give.

mkfs.btrfs numbers inodes as the host lists its folders, takes random UUIDs and the host's times, and makes
subvolumes only since version 6.12. The form on disk is that of the kernel's ``include/uapi/linux/btrfs_tree.h``
and of btrfs-progs' documentation ("Btrfs on-disk format"); ``btrfs check`` is the judge.
"""
