# SPDX-License-Identifier: Apache-2.0
"""Each semantic rule finds what it is for, and a sound description has no finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.description import InvalidDescriptionError, check, load
from runner.description.rules import RULES, refuse_errors
from runner.description.rules.document import document
from runner.plan.select import select

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[3]

PREFERENCES = "<preferences><version>1.0.0</version><packagemanager>apt</packagemanager>{}</preferences>"
REPOSITORY = "<repository><source path='https://host/flat'/></repository>"
TBZ = PREFERENCES.format("<type image='tbz'/>") + REPOSITORY
PACKAGES = (
    "<packages type='image'><package name='linux-image-amd64'/><package name='grub-pc-bin'/>"
    "<package name='grub-efi-amd64-bin'/><package name='shim-signed'/><package name='systemd-boot'/>"
    "<package name='dracut-kiwi-live'/><package name='dracut-kiwi-overlay'/><package name='dracut-kiwi-oem-dump'/>"
    "</packages>"
)


def of(image: str, attributes: str = "", children: str = "") -> str:
    """A sound description with one type of its own."""
    entry = f"<type image='{image}' {attributes}>{children}</type>"
    return PREFERENCES.format(entry) + REPOSITORY + PACKAGES


def oem(attributes: str = "", children: str = "") -> str:
    return of("oem", f"filesystem='ext4' {attributes}", children)


def volumes(*entries: str, more: str = "") -> str:
    inside = "".join(f"<volume {entry}/>" for entry in entries)
    return oem(children=f"<systemdisk {more}>{inside}</systemdisk>")


def partitions(*entries: str) -> str:
    inside = "".join(f"<partition size='10M' {entry}/>" for entry in entries)
    return oem(children=f"<partitions>{inside}</partitions>")


def container(config: str, image: str = "oci") -> str:
    return of(image, "metadata_path='m'" if image == "appx" else "", f"<containerconfig {config}/>")


def user(attributes: str) -> str:
    return TBZ + f"<users><user {attributes}/></users>"


HASH = "$6$salt$" + "a" * 86
PROFILES = "<profiles><profile name='a' description=''>{}</profile></profiles>"
BOOTLOADER = "<bootloader name='{}' {}>{}</bootloader>"
VARIABLES = "<bootloadersettings><environment><env name='a' value='b'/></environment></bootloadersettings>"
DNF = TBZ.replace("apt<", "dnf5<") + "<packages type='bootstrap'><package name='filesystem'/></packages>"
MODULE = "<packages type='{}'><package name='x'/><collectionModule name='m' {}/></packages>"

BROKEN = {
    "type_selectable": PREFERENCES.format("") + REPOSITORY,
    "image_version_provided": TBZ.replace("<version>1.0.0</version>", ""),
    "image_version_three_parts": TBZ.replace("1.0.0", "1.0"),
    "image_type_unique": PREFERENCES.format("<type image='tbz'/><type image='tbz'/>") + REPOSITORY,
    "primary_type_unique": PREFERENCES.format(
        "<type image='tbz' primary='true'/><type image='oci' primary='true'/>"
    )
    + REPOSITORY,
    "profile_known": TBZ + "<packages type='image' profiles='x'/>",
    "profile_unique": TBZ
    + "<profiles><profile name='a' description=''/><profile name='a' description=''/></profiles>"
    + "<users profiles='a'/>",
    "profile_used": TBZ + PROFILES.format(""),
    "profile_requirements_end": TBZ + PROFILES.format("<requires profile='a'/>"),
    "arch_known": TBZ + "<packages type='image'><package name='x' arch='amd64'/></packages>",
    "container_command_clear": of(
        "oci", children="<containerconfig name='n'><subcommand execute='a' clear='true'/></containerconfig>"
    ),
    "container_of_disk": oem(children="<containerconfig name='n'/>"),
    "container_names_valid": container("name='Upper'"),
    "derived_from_reachable": of("oci", "derived_from='https://host/base.tar'"),
    "appx_naming_conventions_valid": container("name='n' launcher='bash'", "appx"),
    "appx_metadata_named": of("appx"),
    "repositories_configured": PREFERENCES.format("<type image='tbz'/>"),
    "image_include_repos_publicly_resolvable": TBZ
    + "<repository imageinclude='true'><source path='this://r'/></repository>",
    "repository_imageonly_exclusive": TBZ
    + "<repository imageinclude='true' imageonly='true'><source path='https://x'/></repository>",
    "repository_verification_off": TBZ.replace("<repository>", "<repository repository_gpgcheck='false'>"),
    "repository_transport": TBZ.replace("<repository>", "<repository repository_gpgcheck='false'>").replace(
        "https:", "http:"
    ),
    "repository_password": TBZ.replace("<repository>", "<repository username='u' password='p'>"),
    "repository_alias_unique": TBZ.replace("<repository>", "<repository alias='a'>")
    + "<repository alias='a'><source path='https://other'/></repository>",
    "repository_of_build_service": TBZ + "<repository><source path='obsrepositories:/'/></repository>",
    "repository_of_manager": TBZ.replace("<repository>", "<repository type='rpm-md'>"),
    "repository_distribution_named": TBZ.replace("https://host/flat", "mirror://debian"),
    "signing_key_present": TBZ.replace(
        "<source path='https://host/flat'/>",
        "<source path='https://host/flat'><signing key='this://gone.asc'/></source>",
    ),
    "packagemanager_named": TBZ.replace("<packagemanager>apt</packagemanager>", "")
    + "<packages type='bootstrap'><package name='x'/></packages>",
    "apt_collections": TBZ + "<packages type='image'><namedCollection name='x'/></packages>",
    "modules_in_bootstrap": DNF + MODULE.format("image", "enable='true'"),
    "module_stream_enabled": DNF + MODULE.format("bootstrap", "enable='false' stream='1'"),
    "bootstrap_packages_named": TBZ.replace("apt<", "dnf5<"),
    "package_not_ignored": TBZ + "<packages type='image'><package name='x'/><ignore name='x'/></packages>",
    "dracut_module_for_live_iso_in_package_list": of("iso").replace("dracut-kiwi-live", "x"),
    "dracut_module_for_disk_overlay_in_package_list": oem("overlayroot='true'").replace(
        "dracut-kiwi-overlay", "x"
    ),
    "dracut_module_for_oem_install_in_package_list": oem("installiso='true'").replace("dracut-kiwi-oem-dump", "x"),
    "file_present": TBZ + "<packages type='image'><archive name='x.tar'/></packages>",
    "type_allows": TBZ.replace("'tbz'", "'tbz' flags='overlay'"),
    "type_uses": TBZ.replace("'tbz'", "'tbz' installiso='true'"),
    "password_plain": user("name='a' password='b' pwdformat='plain'"),
    "password_hashed": user("name='a' password='secret'"),
    "password_hash_strong": user("name='a' password='$1$salt$abcdefghijklmnopqrstuv'"),
    "user_id_unique": TBZ + f"<users><user name='a' id='7' password='{HASH}'/>"
    f"<user name='b' id='7' password='{HASH}'/></users>",
    "firmware_of_machine": oem("firmware='opal'"),
    "bootloader_of_firmware": oem("firmware='bios'", BOOTLOADER.format("systemd_boot", "", "")),
    "bootloader_env_compatible_with_loader": oem(
        "firmware='efi' efipartsize='64'", BOOTLOADER.format("systemd_boot", "", VARIABLES)
    ),
    "partuuid_persistency_type_used_with_mbr": oem("devicepersistency='by-partuuid'"),
    "efi_fat_image_has_correct_size": of("iso", "efifatimagesize='32'"),
    "efi_partition_holds_unified_kernel": oem(
        "firmware='efi'", "<initrd action='setup'><dracut uefi='true'/></initrd>"
    ),
    "kernel_named": oem().replace("linux-image-amd64", "x"),
    "bootloader_named": oem("firmware='uefi'").replace("shim-signed", "x"),
    "disk_filesystem_named": of("oem"),
    "disk_start_sector_minimum": oem("disk_start_sector='63'"),
    "target_blocksize_known": oem("target_blocksize='3'"),
    "partition_name_free": partitions("name='boot' mountpoint='/srv' filesystem='ext4'"),
    "partition_number_free": partitions("name='a' part_id='4'", "name='b' part_id='4'"),
    "mountpoint_unique": partitions(
        "name='a' mountpoint='/srv' filesystem='ext4'", "name='b' mountpoint='srv/' filesystem='ext4'"
    ),
    "mountpoint_free": oem(
        "firmware='efi'",
        "<partitions><partition name='a' size='33M' mountpoint='boot//efi/' filesystem='fat16'/></partitions>",
    ),
    "mountpoint_inside": partitions("name='a' mountpoint='/srv/../..' filesystem='ext4'"),
    "partition_number_in_table": partitions("name='a' part_id='5'"),
    "partitions_fit_table": partitions("name='a'", "name='b'", "name='c'", "name='d'"),
    "partitions_fit_size": oem("firmware='efi' bootpartition='true'", "<size>320</size>"),
    "partition_holds_filesystem": oem("firmware='efi' efipartsize='2'"),
    "filesystem_label_unique": partitions("name='a' label='ROOT' filesystem='ext4'"),
    "volume_setup_one_root": volumes("name='@root' size='1G'", "name='@root=other' size='1G'"),
    "volume_setup_has_no_root_definition": volumes("name='/' mountpoint='/srv'"),
    "volume_setup_defines_multiple_fullsize_volumes": volumes("name='a' size='all'", "name='b' size='all'"),
    "volume_setup_defines_reserved_labels": volumes("name='a' label='SWAP'"),
    "volume_label_used_with_lvm": volumes("name='a' label='x'").replace("'ext4'", "'btrfs'"),
    "swap_name_used_with_lvm": oem(children="<oemconfig><oem-swapname>s</oem-swapname></oemconfig>"),
    "volume_quota_size": volumes("name='a' quota='much'").replace("'ext4'", "'btrfs'"),
    "volume_parent_known": volumes("name='a' parent='gone'").replace("'ext4'", "'btrfs'"),
    "size_positive": oem(children="<size>0</size>"),
    "luks_asked_for": oem("luks_version='luks2'"),
    "luksformat_options_valid": oem("luks='random'", "<luksformat><option name='cipher' value='x'/></luksformat>"),
    "luks_passphrase_plain": oem("luks='secret'"),
    "disk_password_stored": oem("luks='random'", BOOTLOADER.format("grub2", "use_disk_password='true'", "")),
    "verity_metadata_needs_blocks": oem("embed_verity_metadata='true'"),
    "integrity_asked_for": oem("embed_integrity_metadata='true'"),
    "verity_root_static": oem("verity_blocks='all'", "<oemconfig><oem-resize>true</oem-resize></oemconfig>"),
    "checkmedia_used_with_msdos_table": of("iso", "mediacheck='true' efiparttable='msdos'"),
    "xen_uniquely_setup_as_server_or_guest": oem("xen_server='true'", "<machine xen_loader='pygrub'/>"),
    "vagrant_box_configured": oem("format='vagrant'"),
    "bundle_format_version": TBZ.replace("'tbz'", "'tbz' bundle_format='%N-%M'").replace("1.0.0", "1.0"),
    "edit_script_present": oem("editbootinstall='gone.sh'"),
}
"""What trips each rule: a description, or, for those about scripts and old schemas, a test of its own."""

ALSO = {
    "repository_transport": {"repository_verification_off"},
    "bundle_format_version": {"image_version_three_parts"},
}
SCRIPTS = {
    "script_functions_current": (0o755, "#!/bin/bash\n\nbaseMount\n", 3),
    "script_without_network": (0o755, "#!/bin/bash\n  curl -O https://host/x\n", 2),
    "script_executable": (0o644, "#!/usr/bin/python3\nprint()\n", 1),
    "script_line_ends": (0o755, "#!/bin/bash\r\ntrue\r\n", 1),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_rule(write: Callable[..., Path], rule: str) -> None:
    findings = check(load(write(BROKEN[rule], preferences=False)), arch="x86_64")
    assert {finding.id for finding in findings} - ALSO.get(rule, set()) == {rule}
    assert all(finding.remedy and finding.where is not None and finding.where.line for finding in findings)


@pytest.mark.parametrize("name", ["disk.sh", "pre_disk_sync.sh", "scripts/install"])
def test_scripts_around_disks_find_no_device(write: Callable[..., Path], name: str) -> None:
    folder = write(oem("editbootinstall='scripts/install'"), preferences=False)
    (folder / "scripts").mkdir()
    (folder / "scripts/install").write_text("dd if=boot/u-boot.bin of=$1 seek=8 conv=notrunc\n")
    (folder / name).write_text("#!/bin/bash\n# mount it\n  mount $2 /mnt\n")
    (finding,) = check(load(folder), arch="x86_64")
    assert (finding.id, str(finding.where)) == ("script_without_devices", f"{name}:3")
    assert finding.message == "mount will find no device"


@pytest.mark.parametrize("rule", SCRIPTS)
def test_rule_about_scripts(write: Callable[..., Path], rule: str) -> None:
    folder = write(TBZ, preferences=False)
    mode, text, line = SCRIPTS[rule]
    (folder / "config.sh").write_bytes(text.encode())
    (folder / "config.sh").chmod(mode)
    (finding,) = check(load(folder))
    assert (finding.id, str(finding.where)) == (rule, f"config.sh:{line}")


@pytest.mark.parametrize(
    ("body", "message", "element"),
    [
        (partitions("name='x' mountpoint='/' filesystem='ext4'"), "two filesystems are mounted at /", "partition"),
        (partitions("name='../../etc'"), "a partition cannot be called '../../etc'", "partition"),
        (partitions("name='..'"), "a partition cannot be called '..'", "partition"),
        (partitions("name='root'"), "the name root is taken by the disk's own partition", "partition"),
        (partitions("name='verity'"), "the name verity is taken by the disk's own partition", "partition"),
        (
            oem(
                "bootpartition='true'",
                "<partitions><partition name='b' size='9' mountpoint='/boot'/></partitions>",
            ),
            "the disk has a partition of its own for /boot",
            "partition",
        ),
        (
            oem("firmware='uefi' efipartsize='64'", "<size unit='G' unpartitioned='1'>1</size>"),
            "the partitions take 67 MiB, and the disk has 0: efi_csm 2, efi 64",
            "size",
        ),
        (
            oem("firmware='efi' bootpartition='true' bootfilesystem='fat32' bootpartsize='32'"),
            "the partition boot has 32 MiB, and fat32 needs 33",
            "type",
        ),
        (
            oem("firmware='efi' efipartsize='16' target_blocksize='4096'"),
            "the partition efi has 16 MiB, and fat16 needs 17",
            "type",
        ),
        (
            partitions("name='a' size='100M' filesystem='xfs'").replace("size='10M' ", ""),
            "the partition a has 100 MiB, and xfs needs 300",
            "partition",
        ),
        (
            oem("bootpartition='true' spare_part='1G' bootpart_id='9'"),
            "an MBR has the numbers 1 to 4, not 9",
            "type",
        ),
        (
            oem("firmware='efi' efipartsize='48'", BOOTLOADER.format("systemd_boot", "", "")),
            "kernel and initrd hardly fit into an EFI partition of 48 MiB",
            "type",
        ),
    ],
)
def test_a_disk_that_cannot_be_made_is_told_of_with_its_place(
    write: Callable[..., Path], body: str, message: str, element: str
) -> None:
    (finding,) = check(load(write(body, preferences=False)), arch="x86_64")
    assert finding.where is not None
    assert (finding.message, finding.where.element) == (message, element)
    assert str(finding.where.file).endswith("appliance.kiwi")
    assert finding.where.line


def test_an_old_schema_is_told_of(write: Callable[..., Path]) -> None:
    folder = write(TBZ, preferences=False)
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace('schemaversion="8.5"', 'schemaversion="7.3"'))
    assert "7.3" in file.read_text()
    assert [finding.id for finding in check(load(folder))] == ["schema_in_use"]


def test_every_rule_is_tested() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {*BROKEN, *SCRIPTS, "schema_in_use", "script_without_devices"}
    assert all(rule.summary.endswith(".") and "\n" not in rule.summary for rule in RULES)


@pytest.mark.parametrize(
    "body",
    [
        TBZ,
        DNF + MODULE.format("bootstrap", "enable='true' stream='1'"),
        oem("firmware='uefi'"),
        of("iso", "volid='LIVE' flags='dmsquash'").replace("dracut-kiwi-live", "x"),
        volumes("name='@root' size='1G'", "name='home' size='all'", "name='srv' label='data'"),
        partitions("name='a' part_id='4' mountpoint='/a' filesystem='ext4'", "name='b' part_id='3'"),
        oem("firmware='efi' bootpartition='true' efipartsize='17'", "<size>320</size>"),
        oem("dosparttable_extended_layout='true' bootpart_id='5' bootpartition='true'"),
        container("name='host:5000/some/name' tag='v1.2'"),
        user(f"name='_ok-1' password='{HASH}'"),
        user("name='locked' password='!'"),
        oem("luks='random' luks_version='luks2'", "<luksformat><option name='--cipher' value='x'/></luksformat>"),
    ],
)
def test_a_sound_description_has_no_finding(write: Callable[..., Path], body: str) -> None:
    assert check(load(write(body, preferences=False)), arch="x86_64") == []


@pytest.mark.parametrize("name", ["debian-minimal", "debian-rootfs"])
def test_the_examples_are_sound(name: str) -> None:
    assert check(load(PROJECT / "examples" / name)) == []


def test_a_build_is_stopped_by_errors_of_what_was_chosen_only(write: Callable[..., Path]) -> None:
    profiles = "<profiles><profile name='bad' description=''/><profile name='good' description=''/></profiles>"
    body = (
        TBZ
        + profiles
        + "<packages type='image' profiles='bad'/>"
        + ("<repository profiles='good'><source path='https://x'/></repository>")
    )
    body = body.replace(REPOSITORY, "<repository profiles='good'><source path='https://host/flat'/></repository>")
    description = load(write(body, preferences=False))
    refuse_errors(description, select(description, profiles=["good"]))
    with pytest.raises(InvalidDescriptionError, match="no repository"):
        refuse_errors(description, select(description, profiles=["bad"]))


def test_the_page_is_that_of_the_rules() -> None:
    assert (PROJECT / "docs/rules.md").read_text(encoding="utf-8") == document()
