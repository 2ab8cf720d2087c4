# SPDX-License-Identifier: Apache-2.0
"""Disks as files: where partitions lie, their table, and filesystems written at an offset; nothing is mounted."""
