# SPDX-License-Identifier: Apache-2.0
"""Every step of the upgrade chain, and the chain as a whole."""

from __future__ import annotations

import pytest
from lxml import etree

from runner.description.upgrade import NEWEST, OLDEST, STEPS, Upgrade, upgrade
from runner.errors import DescriptionError

STEP = {source: change for source, _, change in STEPS}

TABLE = [
    ("1.4", "<packages type='boot'/>", "<packages type='bootstrap'/>"),
    ("2.0", "<a b='c'/>", "<a b='c'/>"),
    ("2.4", "<a b='c'/>", "<a b='c'/>"),
    (
        "3.5",
        "<type primary='yes'><oem-swap>no</oem-swap></type><package name='yes'/><user password='no'/>",
        "<type primary='true'><oem-swap>false</oem-swap></type><package name='yes'/><user password='no'/>",
    ),
    (
        "3.7",
        "<deploy server='a'><timeout>1</timeout></deploy>",
        "<pxedeploy server='a'><timeout>1</timeout></pxedeploy>",
    ),
    (
        "3.8",
        "<preferences><oem-swap>true</oem-swap><type/><oem-home>false</oem-home></preferences>",
        "<preferences><type/><oemconfig><oem-swap>true</oem-swap><oem-home>false</oem-home></oemconfig></preferences>",
    ),
    (
        "3.9",
        "<preferences><type boot='b'> vmx </type></preferences>",
        "<preferences><type boot='b' image='vmx'/></preferences>",
    ),
    (
        "3.9",
        "<p><preferences><size>2</size><oemconfig><a/></oemconfig><type>oem</type><type>iso</type></preferences></p>",
        "<p><preferences><type image='oem'><size>2</size><oemconfig><a/></oemconfig></type>"  # noqa: ISC004
        "<type image='iso'><size>2</size></type></preferences></p>",
    ),
    (
        "3.9",
        "<preferences><type>pxe</type></preferences><pxedeploy profiles='a'><timeout>1</timeout></pxedeploy>",
        "<preferences><type image='pxe'><pxedeploy><timeout>1</timeout></pxedeploy></type></preferences>",
    ),
    *((f"4.{number}", "<a b='c'/>", "<a b='c'/>") for number in range(1, 5)),
    ("4.5", "<packages type='vmware'/>", "<packages type='vmx'/>"),
    (
        "4.6",
        "<vmwareconfig memory='5'><vmwaredisk id='0'/><vmwarecdrom id='1'/><vmwarenic driver='e'/></vmwareconfig>",
        "<machine memory='5'><vmdisk id='0'/><vmdvd id='1'/><vmnic driver='e'/></machine>",
    ),
    (
        "4.6",
        "<type><xenconfig domain='dom0'><xendisk device='a'/><xenbridge name='b'/></xenconfig></type>",
        "<type><machine domain='dom0'><vmdisk device='a'/><vmnic name='b'/></machine></type>",
    ),
    ("4.6", "<type format='iso'/><type format='usb'/>", "<type installiso='true'/><type installstick='true'/>"),
    ("4.6", "<type format='vmdk'/>", "<type format='vmdk'/>"),
    (
        "4.7",
        "<lvmvolumes lvmgroup='g'><volume name='v'/></lvmvolumes>",
        "<systemdisk name='g'><volume name='v'/></systemdisk>",
    ),
    ("4.8", "<oem-dumphalt>true</oem-dumphalt>", "<oem-bootwait>true</oem-bootwait>"),
    ("4.9", "<type image='xen'/>", "<type image='vmx'/>"),
    ("5.0", "<a b='c'/>", "<a b='c'/>"),
    ("5.1", "<p><type image='usb'/><type image='iso'/></p>", "<p><type image='iso'/></p>"),
    ("5.2", "<a b='c'/>", "<a b='c'/>"),
    ("5.3", "<a b='c'/>", "<a b='c'/>"),
    (
        "5.4",
        "<p><boot-theme>t</boot-theme></p>",
        "<p><bootsplash-theme>t</bootsplash-theme><bootloader-theme>t</bootloader-theme></p>",
    ),
    ("5.5", "<user pwd='x'/>", "<user password='x'/>"),
    (
        "5.6",
        "<opensusePattern name='a'/><rhelGroup name='b'/>",
        "<namedCollection name='a'/><namedCollection name='b'/>",
    ),
    ("5.7", "<a b='c'/>", "<a b='c'/>"),
    (
        "5.8",
        "<vmdisk controller='scsi'/><vmdisk controller='ide'/>",
        "<vmdisk controller='lsilogic'/><vmdisk controller='ide'/>",
    ),
    ("5.9", "<o><oem-align-partition>true</oem-align-partition></o>", "<o/>"),
    ("6.0", "<opensuseProduct name='a'/>", "<product name='a'/>"),
    ("6.1", "<type image='oem'/>", "<type image='oem' bootloader='grub2'/>"),
    ("6.1", "<type image='vmx' bootloader='zipl'/>", "<type image='vmx' bootloader='zipl'/>"),
    ("6.1", "<type image='iso'/>", "<type image='iso'/>"),
    ("6.2", "<type fsreadonly='a' fsreadwrite='b' zfsoptions='c' image='x'/>", "<type image='x'/>"),
    ("6.2", "<t><a/><split><b/><c/></split><d/></t>", "<t><a/><b/><c/><d/></t>"),
    ("6.3", "<users group='g' id='1'><user name='a'/></users>", "<users><user name='a' groups='g'/></users>"),
    ("6.4", "<type container='c'/>", "<type><containerconfig name='c'/></type>"),
    ("6.5", "<type><machine domain='dom0'/></type>", "<type xen_server='true'><machine/></type>"),
    ("6.5", "<type><machine domain='domU'/></type>", "<type><machine/></type>"),
    ("6.6", "<type checkprebuilt='true' fsnocheck='true'/>", "<type/>"),
    ("6.6", "<repository status='x' prefer-license='true'/>", "<repository/>"),
    ("6.6", "<p><package name='a' replaces='b'/></p>", "<p><package name='a'/></p>"),
    ("6.6", "<p><defaultroot>x</defaultroot><rpm-force>true</rpm-force></p>", "<p/>"),
    ("6.7", "<p><hwclock>utc</hwclock><version>1</version></p>", "<p><version>1</version></p>"),
    ("6.8", "<type hybrid='true'/>", "<type/>"),
    ("6.8", "<type image='iso' boot='isoboot/a'/>", "<type image='iso'/>"),
    ("6.8", "<type image='oem' boot='oemboot/a'/>", "<type image='oem' boot='oemboot/a'/>"),
    ("6.8", "<o><oem-ataraid-scan>true</oem-ataraid-scan></o>", "<o/>"),
    ("6.9", "<type><pxedeploy><timeout>1</timeout></pxedeploy></type>", "<type/>"),
    ("6.9", "<u><user name='a' pwdformat='plain'/></u>", "<u><user name='a' password='!'/></u>"),
    ("6.9", "<u><user name='a' password=''/></u>", "<u><user name='a' password=''/></u>"),
    ("7.0", "<repository type='yast2' alias='a'/>", "<repository alias='a'/>"),
    ("7.0", "<repository type='rpm-md'/>", "<repository type='rpm-md'/>"),
    (
        "7.1",
        "<type bootloader='grub2' bootloader_console='c' boottimeout='5' zipl_targettype='FBA'/>",
        "<type><bootloader name='grub2' console='c' timeout='5' targettype='FBA'/></type>",
    ),
    ("7.1", "<type boottimeout='5'/>", "<type/>"),
    (
        "7.2",
        "<type image='vmx'/>",
        "<type image='oem'><oemconfig><oem-resize>false</oem-resize></oemconfig></type>",
    ),
    (
        "7.2",
        "<type image='vmx'><oemconfig><oem-swap>true</oem-swap><oem-resize>true</oem-resize></oemconfig></type>",
        "<type image='oem'><oemconfig><oem-swap>true</oem-swap><oem-resize>false</oem-resize></oemconfig></type>",
    ),
    ("7.2", "<packages type='vmx'/>", "<packages type='oem'/>"),
    ("7.3", "<packagemanager>apt-get</packagemanager>", "<packagemanager>apt</packagemanager>"),
    ("7.3", "<packagemanager> yum </packagemanager>", "<packagemanager>dnf</packagemanager>"),
    ("7.4", "<containerconfig additionaltags='a, b'/>", "<containerconfig additionalnames=':a,:b'/>"),
    ("7.5", "<packagemanager>dnf</packagemanager>", "<packagemanager>dnf4</packagemanager>"),
    ("7.6", "<a b='c'/>", "<a b='c'/>"),
    ("8.0", "<repository type='rpm-dir'/>", "<repository/>"),
    ("8.1", "<repository use_for_bootstrap='true'/>", "<repository/>"),
    ("8.2", "<type btrfs_root_is_snapshot='true'/>", "<type btrfs_root_is_snapper_snapshot='true'/>"),
    ("8.3", "<bootloader console='a b'/>", "<bootloader output_console='a' input_console='b'/>"),
    ("8.3", "<bootloader console='a'/>", "<bootloader output_console='a'/>"),
    ("8.4", "<type vga='791'/>", "<type/>"),
]


def tree(text: str) -> etree._Element:
    return etree.fromstring(f"<image>{text}</image>")


@pytest.mark.parametrize(("step", "before", "after"), TABLE)
def test_step(step: str, before: str, after: str) -> None:
    root = tree(before)
    list(STEP[step](root))
    assert etree.tostring(root, method="c14n") == etree.tostring(tree(after), method="c14n")


@pytest.mark.parametrize(("step", "before", "after"), TABLE)
def test_a_step_done_twice_is_done_once(step: str, before: str, after: str) -> None:
    root = tree(before)
    list(STEP[step](root))
    once = etree.tostring(root)
    list(STEP[step](root))
    assert etree.tostring(root) == once


def test_every_step_has_a_row() -> None:
    assert {row[0] for row in TABLE} == set(STEP)


def test_the_chain_has_no_gap() -> None:
    assert [target for _, target, _ in STEPS] == [source for source, _, _ in STEPS[1:]] + [NEWEST]


def test_all_steps_from_the_oldest() -> None:
    root = etree.fromstring(
        f"<image schemaversion='{OLDEST}'><packagemanager>yum</packagemanager>"
        "<type image='vmx' bootloader_console='serial console' vga='791' container='c'/></image>"
    )
    assert upgrade(root).written == OLDEST
    assert root.get("schemaversion") == NEWEST
    assert root.findtext("packagemanager") == "dnf4"
    loader = root.find("type/bootloader")
    assert loader is not None
    assert dict(loader.attrib) == {"name": "grub2", "output_console": "serial", "input_console": "console"}
    assert root.findtext("type/oemconfig/oem-resize") == "false"


def test_new_elements_report_the_line_they_come_from() -> None:
    root = etree.fromstring("<image schemaversion='7.1'>\n\n<type bootloader='grub2'/></image>")
    upgrade(root)
    loader = root.find("type/bootloader")
    assert loader is not None
    assert loader.sourceline == 3


def test_the_newest_is_left_alone() -> None:
    text = f"<image schemaversion='{NEWEST}'><!-- kept --><type vga='791'/></image>"
    root = etree.fromstring(text)
    assert upgrade(root) == Upgrade(NEWEST)
    assert etree.tostring(root) == etree.tostring(etree.fromstring(text))


def test_comments_and_text_around_deleted_elements_stay() -> None:
    root = tree("<p>a<!-- b --><hwclock>utc</hwclock>c</p>")
    list(STEP["6.7"](root))
    assert etree.tostring(root) == b"<image><p>a<!-- b -->c</p></image>"


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("", "no schemaversion"),
        ("8", "is not a version"),
        ("8.5.1", "is not a version"),
        ("9.0", "newer than this engine"),
        ("8.6", "newer than this engine"),
        ("1.3", "not supported"),
        ("7.7", "not supported"),
        ("٨.٥", "is not a version"),  # noqa: RUF001 - digits of another script
        ("1" * 5000 + ".0", "is not a version"),
    ],
)
def test_versions_that_cannot_be_read(version: str, message: str) -> None:
    root = etree.fromstring("<image/>")
    root.set("schemaversion", version)
    with pytest.raises(DescriptionError, match=message):
        upgrade(root)
