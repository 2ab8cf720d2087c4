# SPDX-License-Identifier: Apache-2.0
"""Write small descriptions to a folder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.descriptions import write_description

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a description with ``body`` below ``<image>``, and return its folder."""
    return partial(write_description, tmp_path / "description")
