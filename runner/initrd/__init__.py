# SPDX-License-Identifier: Apache-2.0
"""The initrd: find the kernels of a tree, and have the tree's own generator make an initrd for each, once."""
