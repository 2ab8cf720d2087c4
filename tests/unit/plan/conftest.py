# SPDX-License-Identifier: Apache-2.0
"""Write small descriptions to a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCUMENT = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="{version}" name="test">
  <description type="system">
    <author>A</author><contact>c@example.org</contact><specification>S</specification>
  </description>
{body}
</image>
"""

PREFERENCES = """\
  <preferences>
    <version>1.2.3</version><packagemanager>apt</packagemanager><type image="tbz"/>
  </preferences>
  <repository type="apt-deb" distribution="bookworm"><source path="mirror://debian"/></repository>
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a description with ``body`` below ``<image>``, and return its folder."""

    def write_body(body: str = "", *, version: str = "8.5", preferences: bool = True) -> Path:
        folder = tmp_path / "description"
        folder.mkdir(exist_ok=True)
        text = DOCUMENT.format(version=version, body=(PREFERENCES if preferences else "") + body)
        (folder / "appliance.kiwi").write_text(text, encoding="utf-8")
        return folder

    return write_body
