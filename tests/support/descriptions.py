# SPDX-License-Identifier: Apache-2.0
"""Small image descriptions, as text and as folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def write_description(folder: Path, body: str = "", *, version: str = "8.5", preferences: bool = True) -> Path:
    """Write a description with ``body`` below ``<image>`` to ``folder``, which may be new, and return that."""
    folder.mkdir(exist_ok=True)
    text = DOCUMENT.format(version=version, body=(PREFERENCES if preferences else "") + body)
    (folder / "appliance.kiwi").write_text(text, encoding="utf-8")
    return folder
