# SPDX-License-Identifier: Apache-2.0
"""Defaults of types and containers, and what is told to be unsupported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import __version__
from runner.description import load
from runner.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.plan.model import Plan


def planned(folder: Path, name: str) -> Plan:
    return make_plan(load(folder), type_name=name, arch="x86_64")


def test_container_defaults(write: Callable[..., Path]) -> None:
    container = planned(write('<preferences><type image="oci"/></preferences>'), "oci").type.container
    assert container is not None
    assert (container.name, container.tag) == ("kiwi-container", "latest")
    assert container.maintainer == "A <c@example.org>"
    assert (container.entrypoint, container.subcommand) == (None, ("/bin/bash",))
    assert container.history is not None
    assert container.history.created_by == f"Packhouse {__version__}"
    assert container.history.author == "A <c@example.org>"


@pytest.mark.parametrize(
    ("attributes", "inner", "entrypoint", "subcommand"),
    [
        ("", '<entrypoint execute="/e"/>', ("/e",), None),
        ("", '<subcommand execute="/s"><argument name="a b"/></subcommand>', None, ("/s", "a b")),
        ("", '<subcommand clear="true"/>', None, ()),
        ('derived_from="docker://x"', "", None, None),
        ('derived_from="docker://x"', '<entrypoint clear="true"/>', (), None),
    ],
)
def test_commands(
    write: Callable[..., Path],
    attributes: str,
    inner: str,
    entrypoint: tuple[str, ...] | None,
    subcommand: tuple[str, ...] | None,
) -> None:
    config = f'<containerconfig name="n">{inner}</containerconfig>'
    body = f'<preferences><type image="oci" {attributes}>{config}</type></preferences>'
    container = planned(write(body), "oci").type.container
    assert container is not None
    assert (container.entrypoint, container.subcommand) == (entrypoint, subcommand)


def test_additional_names_are_filled(write: Callable[..., Path]) -> None:
    body = """<preferences><type image="docker">
      <containerconfig name="n" tag="t" additionalnames=":u, r:, r:v, host:5000/x, host:5000/x:w"/>
    </type></preferences>"""
    container = planned(write(body), "docker").type.container
    assert container is not None
    assert container.additional_names == ("n:u", "r:t", "r:v", "host:5000/x:t", "host:5000/x:w")


def test_filesystem_types_name_their_filesystem(write: Callable[..., Path]) -> None:
    body = """<preferences>
      <type image="ext4" fscreateoptions="-O  ^has_journal"><size unit="G">2</size></type>
      <type image="squashfs"/>
    </preferences>"""
    folder = write(body)
    ext4, squashfs = planned(folder, "ext4").type, planned(folder, "squashfs").type
    assert (ext4.filesystem, ext4.fscreateoptions, ext4.rootfs_label) == ("ext4", ("-O", "^has_journal"), "ROOT")
    assert ext4.size is not None
    assert (ext4.size.mebibytes, ext4.size.additive) == (2048, False)
    assert (squashfs.filesystem, squashfs.squashfscompression, squashfs.container) == ("squashfs", "xz", None)


def test_the_environment_of_a_disk(write: Callable[..., Path]) -> None:
    body = """<preferences><type image="oem" filesystem="ext4" kernelcmdline="quiet" firmware="efi" luks=""
      target_removable="1"><bootloader name="grub2" timeout="3" output_console="serial"/></type></preferences>"""
    environment = planned(write(body), "oem").environment
    assert {
        "kiwi_type": "oem",
        "kiwi_cmdline": "quiet",
        "kiwi_firmware": "efi",
        "kiwi_bootloader": "grub2",
        "kiwi_bootloader_console": "serial:default",
        "kiwi_boot_timeout": "3",
        "kiwi_target_removable": "true",
        "kiwi_luks_empty_passphrase": "true",
        "kiwi_ramonly": "",
        "kiwi_displayname": "test",
    }.items() <= environment.items()


@pytest.mark.parametrize(
    "name", ["tbz", "btrfs", "xfs", "ext2", "ext3", "ext4", "squashfs", "erofs", "docker", "oci"]
)
def test_what_can_be_built_is_supported(write: Callable[..., Path], name: str) -> None:
    assert planned(write(f'<preferences><type image="{name}"/></preferences>'), name).unsupported == ()


@pytest.mark.parametrize(
    ("image", "attributes", "element"),
    [
        ("oem", 'filesystem="squashfs"', 'type filesystem="squashfs"'),
        ("oem", 'filesystem="btrfs" fscreateoptions="-m single"', "type fscreateoptions"),
        ("oem", 'filesystem="ext4" format="oci:zip"', 'type format="oci:zip"'),
        ("oem", 'filesystem="ext4" installiso="true"', "type installiso"),
        ("iso", "", 'type image="iso"'),
        ("oci", 'derived_from="x"', "type derived_from"),
        ("ext4", 'luks="p"', "type luks"),
    ],
)
def test_types_that_cannot_be_built_are_told(
    write: Callable[..., Path], image: str, attributes: str, element: str
) -> None:
    folder = write(f'\n<preferences><type image="{image}" {attributes}/></preferences>')
    (entry,) = planned(folder, image).unsupported
    assert (entry.element, entry.where) == (element, "appliance.kiwi:11")
    assert entry.why


@pytest.mark.parametrize(
    ("body", "element"),
    [
        ('<repository type="rpm-md"><source path="https://x"/></repository>', 'repository type="rpm-md"'),
        ('<repository><source path="obs://x/y"/></repository>', 'source path="obs:…"'),
        ('<repository><source path="obsrepositories:/"/></repository>', 'source path="obsrepositories:…"'),
        ('<repository imageinclude="true"><source path="dir:///x"/></repository>', "repository imageinclude"),
        ('<packages type="bootstrap" bootstrap_package="x"/>', "packages bootstrap_package"),
        ('<containers source="x" backend="podman"><container name="c"/></containers>', "containers"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_line(write: Callable[..., Path], body: str, element: str) -> None:
    (entry,) = planned(write("\n" + body), "tbz").unsupported
    assert (entry.element, entry.where) == (element, "appliance.kiwi:11")
    assert entry.why


def test_another_package_manager_is_told(write: Callable[..., Path]) -> None:
    body = (
        "<preferences><version>1</version><packagemanager>zypper</packagemanager><type image='tbz'/></preferences>"
    )
    plan = make_plan(load(write(body, preferences=False)))
    assert [entry.element for entry in plan.unsupported] == ["packagemanager"]
    assert plan.packages.bootstrap == ("zypper",)


def test_a_switch_that_is_off_asks_for_nothing(write: Callable[..., Path]) -> None:
    folder = write('<preferences><type image="oci" delta_root="false"/></preferences>')
    assert planned(folder, "oci").unsupported == ()
