# SPDX-License-Identifier: Apache-2.0
"""What no description needs: beyond these a file is refused before it can cost time or memory."""

from __future__ import annotations

MAX_BYTES = 4 << 20
"""Largest file in bytes, and largest sum of texts; real descriptions stay below 1 MiB."""

MAX_DEPTH = 24
"""The language nests seven deep; foreign XML in ``<extension>`` may need more."""

MAX_ELEMENTS = 100_000

MAX_LINE = 65535
"""The last line that libxml2 can be told about an element."""
