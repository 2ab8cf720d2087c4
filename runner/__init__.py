# SPDX-License-Identifier: Apache-2.0
"""Packhouse: build, sign and publish operating-system images from KIWI descriptions.

The line through the house, one package a stage: ``sources`` (git ref to checkout), ``description``
(files to typed description), ``plan`` (every choice made), ``packages`` (lock and installation),
``prepare`` (root tree), ``create`` (image files), ``release`` (manifest, signatures), ``storage``
(publication).
"""

__version__ = "0.1.0"
