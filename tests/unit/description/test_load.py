# SPDX-License-Identifier: Apache-2.0
"""What the typed model holds after loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTAINER = """
<preferences profiles="a, b" arch="x86_64,aarch64">
  <type image="docker" derived_from="docker://x">
    <size unit="G" additive="true"> 2 </size>
    <containerconfig name="n" additionalnames=":a,r:b">
      <entrypoint execute="/e"><argument name="-x"/><argument name="a b"/></entrypoint>
      <subcommand clear="true"/>
      <expose><port number="80"/><port number="53/udp"/></expose>
      <volumes><volume name="/v"/></volumes>
      <environment><env name="A" value=" 1 "/></environment>
      <labels><label name="l" value="m"/></labels>
      <history author="me">text <!-- c -->more</history>
    </containerconfig>
    <bootloader name="grub2" timeout="3"/>
  </type>
</preferences>
"""


def test_everything_is_kept_with_its_line(write: Callable[..., Path]) -> None:
    description = load(write(CONTAINER))
    block = description.preferences[1]
    assert (block.profiles, block.arch) == (("a", "b"), ("x86_64", "aarch64"))
    (entry,) = block.types
    assert entry.get("derived_from") == "docker://x"
    assert entry.size is not None
    assert (entry.size.value, entry.size.unit, entry.size.additive) == (2, "G", True)
    config = entry.container
    assert config is not None
    assert config.additionalnames == (":a", "r:b")
    assert config.entrypoint is not None
    assert (config.entrypoint.execute, config.entrypoint.arguments) == ("/e", ("-x", "a b"))
    assert config.subcommand is not None
    assert config.subcommand.clear
    assert (config.expose, config.volumes) == (("80", "53/udp"), ("/v",))
    assert (config.environment, config.labels) == ((("A", " 1 "),), (("l", "m"),))
    assert config.history is not None
    assert config.history.comment == "text more"
    loader = entry.child("bootloader")
    assert loader is not None
    assert str(loader.at) == "appliance.kiwi:23 (bootloader)"


def test_a_description_is_immutable_and_tells_no_secret(write: Callable[..., Path]) -> None:
    description = load(write('<users><user name="a" password="s3cr3t" pwdformat="plain"/></users>'))
    assert "s3cr3t" not in repr(description.users)
    with pytest.raises(AttributeError):
        description.digest = "x"  # type: ignore[misc]


def test_the_version_written_is_kept_and_the_text_is_the_upgraded(write: Callable[..., Path]) -> None:
    folder = write(version="7.5")
    description = load(folder)
    assert description.schemaversion == "7.5"
    assert 'schemaversion="8.5"' in description.text
    (folder / "appliance.kiwi").write_text(description.text)
    assert load(folder).text == description.text


def test_another_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.xml").write_text("<html/>")
    with pytest.raises(DescriptionError, match="is a <html>, not an <image>"):
        load(tmp_path)


def test_the_file_name_in_places_is_the_real_one(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "appliance.kiwi").rename(folder / "my größe %41.kiwi")
    assert load(folder).at.file == "my größe %41.kiwi"


def test_malformed_xml_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "config.xml").write_text('<image>\n<type image="x>\n</image>\n')
    with pytest.raises(DescriptionError, match=r"^config\.xml:[23]: the description is not well-formed XML"):
        load(tmp_path)


def test_an_unreadable_folder_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="is not a folder"):
        load(tmp_path / "missing")


def test_disks_of_mainframes_as_schema_6_had_them(write: Callable[..., Path]) -> None:
    kind = '<type image="oem" filesystem="ext4" bootloader="grub2_s390x_emu" zipl_targettype="LDL"/>'
    (section,) = load(write(f"<preferences>{kind}</preferences>", version="6.8", preferences=False)).preferences
    (chosen,) = section.types
    assert chosen.bootloader is not None
    assert chosen.bootloader.targettype == "LDL"
