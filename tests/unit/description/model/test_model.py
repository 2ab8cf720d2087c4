# SPDX-License-Identifier: Apache-2.0
"""The structs of the model and the grammar know the same attributes, and values are read as what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.description.model.element import Section
from runner.description.model.legacy import Entry
from runner.description.model.read import Part, names
from runner.description.model.types import GROUPS
from runner.description.schema.grammar import ElementRule, grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.description.model.types import ImageType


def rules(rule: ElementRule, seen: set[int] | None = None) -> Iterator[ElementRule]:
    seen = set() if seen is None else seen
    if id(rule) not in seen:
        seen.add(id(rule))
        yield rule
        for child in rule.children.values():
            yield from rules(child.element, seen)


def parts(kind: type[Part] = Part) -> Iterator[type[Part]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from parts(inner)


def test_the_groups_have_every_attribute_of_a_type_once() -> None:
    (rule,) = (rule for rule in rules(grammar()) if rule.name == "type")
    grouped = ["image", "primary", *(name for group in GROUPS for name in names(group))]
    assert len(set(grouped)) == len(grouped)
    assert set(grouped) == set(rule.attributes)


@pytest.mark.parametrize("kind", [kind for kind in parts() if kind is not Entry], ids=lambda kind: kind.__name__)
def test_a_struct_has_every_attribute_of_its_element(kind: type[Part]) -> None:
    known = [
        set(rule.children if kind.VALUES_IN_CHILDREN else rule.attributes)
        for rule in rules(grammar())
        if rule.name == kind.TAG
    ]
    anywhere = {"arch"} if issubclass(kind, Section) else set()
    assert any(rule <= set(names(kind)) <= rule | anywhere for rule in known)


def test_every_child_of_a_type_is_read() -> None:
    (rule,) = (rule for rule in rules(grammar()) if rule.name == "type")
    assert set(rule.children) - {kind.TAG for kind in parts()} == {"containerconfig"}


OEM = """
<preferences><type image="oem" filesystem="ext4" luks=" s3cr3t " bootpartsize="500"
  spare_part_fs_attributes="no-copy-on-write, synchronous-updates">
  <oemconfig>
    <oem-resize>false</oem-resize>
    <oem-recoveryID>27</oem-recoveryID>
    <oem-device-filter> ^/dev/sr </oem-device-filter>
  </oemconfig>
  <bootloader name="grub2"><bootloadersettings>
    <installoption name="--a"/><installoption name="--b" value="c"/>
    <environment><env name="A" value=" 1 "/></environment>
  </bootloadersettings></bootloader>
  <machine HWversion="13"><vmconfig-entry>x = "y"</vmconfig-entry>
  <vmnic interface="0" mac="52:54:00:12:34:56"/></machine>
  <systemdisk><volume name="home" size="2G" copy_on_write="false" arch="x86_64,aarch64"/></systemdisk>
</type></preferences>
"""


@pytest.fixture
def oem(write: Callable[..., Path]) -> ImageType:
    (entry,) = load(write(OEM)).preferences[1].types
    return entry


def test_attributes_come_typed(oem: ImageType) -> None:
    assert (oem.disk.bootpartsize, oem.disk.efipartsize) == (500, None)
    assert oem.spare.spare_part_fs_attributes == ("no-copy-on-write", "synchronous-updates")
    assert oem.luks.luks == " s3cr3t "
    assert (oem.filesystem.filesystem, oem.filesystem.rootfs_label) == ("ext4", "")


def test_no_text_of_a_type_shows_its_passphrase(oem: ImageType) -> None:
    assert "s3cr3t" not in f"{oem} {oem!r} {oem.luks} {oem.luks!r}"


def test_children_come_typed_with_their_lines(oem: ImageType) -> None:
    assert oem.oem is not None
    assert (oem.oem.resize, oem.oem.swap) == (False, None)
    assert (oem.oem.recovery_id, oem.oem.device_filter) == ("27", "^/dev/sr")
    assert oem.bootloader is not None
    settings = oem.bootloader.settings
    assert settings is not None
    assert [(option.name, option.value, option.at.line) for option in settings.install] == [
        ("--a", "", 19),
        ("--b", "c", 19),
    ]
    assert settings.environment is not None
    assert [(variable.name, variable.value) for variable in settings.environment.variables] == [("A", " 1 ")]
    assert oem.machine is not None
    assert oem.machine.hardware_version == "13"
    assert [entry.line for entry in oem.machine.entries] == ['x = "y"']
    assert oem.system_disk is not None
    (volume,) = oem.system_disk.volumes
    assert (volume.size, volume.copy_on_write, volume.arch) == ("2G", False, ("x86_64", "aarch64"))
    assert str(volume.at) == "appliance.kiwi:24 (volume)"


def test_sections_outside_of_types_come_typed(write: Callable[..., Path]) -> None:
    body = """
    <drivers profiles="p"><file name="drivers/net/*"/></drivers>
    <strip type="tools"><file name="ls"/><file name="cat"/></strip>
    <certificates target_distribution="debian"><certificate name="/ca.pem"/></certificates>
    <containers source="registry.example.org" backend="podman" arch="aarch64"><container name="c"/></containers>
    <profiles><profile name="p" description=""/></profiles>
    """
    description = load(write(body))
    assert [(entry.profiles, entry.files[0].name) for entry in description.drivers] == [(("p",), "drivers/net/*")]
    assert [(entry.type, len(entry.files)) for entry in description.strips] == [("tools", 2)]
    (certificates,) = description.certificates
    assert certificates.certificates[0].name == "/ca.pem"
    (containers,) = description.containers
    assert not containers.applies((), "x86_64")
    assert containers.applies((), "aarch64")
