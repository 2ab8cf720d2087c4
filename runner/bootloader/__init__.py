# SPDX-License-Identifier: Apache-2.0
"""Bootloaders: first their files are written into the tree, then boot code into the finished disk."""
