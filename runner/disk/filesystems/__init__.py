# SPDX-License-Identifier: Apache-2.0
"""One file a filesystem: how much a tree needs in it, and writing it into a larger file at an offset."""
