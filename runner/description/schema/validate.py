# SPDX-License-Identifier: Apache-2.0
"""Check a tree against the grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

    from runner.description.finding import Finding


def validate_tree(root: _Element) -> list[Finding]:
    return []
