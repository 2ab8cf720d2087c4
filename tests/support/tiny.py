# SPDX-License-Identifier: Apache-2.0
"""A description of the tiny distribution, its signed repository and the mirror that serves it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.apt_repo import AptRepo, Mirror, Signer, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DESCRIPTION = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.0" name="tiny">
  <description type="system">
    <author>Tests</author><contact>tests@example.org</contact><specification>Tiny</specification>
  </description>
  <preferences>
    <version>1.0.0</version>
    <packagemanager>apt</packagemanager>
    <type image="squashfs" squashfscompression="lz4" primary="true"/>
    <type image="ext4"/>
    <type image="erofs"/>
    <type image="tbz"/>
    <type image="docker"><containerconfig name="tiny" tag="1"/></type>
  </preferences>
  <repository type="apt-deb" alias="tiny" distribution="stable" components="main">
    <source path="mirror://tiny"><signing key="this://key.asc"/></source>
  </repository>
  <packages type="bootstrap"><package name="dpkg"/></packages>
  <packages type="image"><package name="hello"/></packages>
</image>
"""
_SCRIPT = "#!/bin/bash\nset -e\n. /.kconfig\n. /.profile\n"


def description_text(name: str) -> str:
    """Return the tiny distribution's description of an image called ``name``."""
    return _DESCRIPTION.replace('name="tiny"', f'name="{name}"', 1)


@dataclass(frozen=True, slots=True)
class Tiny:
    """Everything around one description; every part can be spoilt."""

    description: Path
    repo: AptRepo
    signer: Signer
    mirror: Mirror

    def script(self, text: str) -> None:
        """Make ``text`` the rest of config.sh."""
        (self.description / "config.sh").write_text(_SCRIPT + text)

    def edit(self, old: str, new: str) -> None:
        """Change the description."""
        path = self.description / "appliance.kiwi"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def make_disk(self, attributes: str = "", children: str = "", loader: str = "custom") -> None:
        """Make a disk without initrd the first type, and add a kernel's package."""
        disk = (
            f'<type image="oem" filesystem="ext4" initrd_system="none" primary="true" {attributes}>'
            f'<bootloader name="{loader}"/><oemconfig><oem-resize>false</oem-resize></oemconfig>{children}</type>'
        )
        kind = '<type image="squashfs" squashfscompression="lz4" primary="true"/>'
        self.edit(kind, disk)
        self.edit('<package name="hello"/>', '<package name="hello"/><package name="linux-image-tiny"/>')

    @property
    def environment(self) -> dict[str, str]:
        return {"PACKHOUSE_MIRROR_TINY": self.mirror.url}


@contextlib.contextmanager
def tiny(folder: Path, debs: list[Path]) -> Iterator[Tiny]:
    """Set everything up below ``folder``: a mirror with the packages ``debs``, a key, a description."""
    repo = AptRepo(folder / "mirror")
    for deb in debs:
        repo.add(deb)
    description = folder / "description"
    description.mkdir(parents=True)
    (description / "appliance.kiwi").write_text(_DESCRIPTION)
    with Signer.make(folder / "gnupg") as signer, serving(repo.root) as mirror:
        repo.write(signer)
        (description / "key.asc").write_bytes(signer.public())
        made = Tiny(description, repo, signer, mirror)
        made.script("echo configured\n")
        yield made
