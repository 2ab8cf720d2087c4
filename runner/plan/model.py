# SPDX-License-Identifier: Apache-2.0
"""The Plan: one profile set, one type, one architecture, every default filled in, every choice made.

A plan is plain data. What prepare and create need stands here; neither reads the description again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from runner.digest import digest_of
from runner.plan.boot import BootPlan
from runner.plan.certificates import CertificatesPlan
from runner.plan.disk import DiskPlan
from runner.plan.formats import DiskFormatPlan
from runner.plan.initrd import InitrdPlan
from runner.plan.machine import MachinePlan, VagrantPlan
from runner.plan.media import LivePlan, MediaPlan, NetbootPlan
from runner.plan.oem import InstallPlan, OemPlan
from runner.plan.preload import PreloadedContainer
from runner.plan.protection import IntegrityPlan, LuksPlan, OverlayRootPlan, VerityPlan


class ImageIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the image is: the facts in its file names and metadata."""

    name: str
    version: str
    displayname: str = ""
    id: str = ""
    author: str = ""
    contact: str = ""
    specification: str = ""


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key file that may sign a repository, by URI."""

    uri: str


class RepositoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One package source, in the description's order.

    Attributes:
        alias: stable name: the description's, else derived from the content of this entry.
        uri: location as written, ``mirror://NAME`` kept symbolic.
        kind: ``apt-deb``, ``rpm-md``, … as KIWI names it.
        distribution: Debian suite, empty for a flat repository.
        verify: false only where the description switches repository verification off *and* the caller allowed it.
        build: used while building; ``image``: left configured in the image.
        verify_packages: as ``verify``, for the signatures of the packages themselves (rpm family).
        sourcetype: what ``uri`` is, for the dnf family: ``baseurl``, ``metalink`` or ``mirrorlist``.
        customize: script beside the description that edits the repository's file in the image.
        credentials: a login is needed. The login itself never stands in a plan or lock.
    """

    alias: str
    uri: str
    kind: str = "apt-deb"
    distribution: str = ""
    components: tuple[str, ...] = ("main",)
    architectures: tuple[str, ...] = ()
    priority: int | None = None
    keys: tuple[SigningKey, ...] = ()
    verify: bool = True
    build: bool = True
    image: bool = False
    verify_packages: bool = True
    sourcetype: str = "baseurl"
    customize: str = ""
    credentials: bool = False


class ModulePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A dnf module to switch on, in ``stream`` or its default one, or off, before anything is installed."""

    name: str
    stream: str = ""
    enable: bool = True


class PackageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the solver is asked. Its digest tells whether a lock answers this very question.

    Names are trimmed, de-duplicated and sorted.
    """

    manager: str
    arch: str
    repositories: tuple[RepositoryPlan, ...]
    bootstrap: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    """Patterns and groups by name, for managers that know such."""
    products: tuple[str, ...] = ()
    modules: tuple[ModulePlan, ...] = ()
    recommends: bool = False
    release_version: str = ""
    """What dnf calls releasever."""

    @property
    def digest(self) -> str:
        """Digest of what differs from the defaults: a lock must not go stale when requests learn a new field."""
        return digest_of(_said(self))


def _said(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = ((field, getattr(value, field.name)) for field in msgspec.structs.fields(value))
        return {field.name: _said(entry) for field, entry in fields if entry != field.default}
    return [_said(entry) for entry in value] if isinstance(value, tuple) else value


class ArchivePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A tarball beside the description, unpacked after the packages of its phase (``bootstrap`` or ``image``)."""

    name: str
    target_dir: str = "/"
    phase: str = "image"


class FilePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A single file copied late in prepare. Owner is a chown argument, permissions a chmod argument."""

    name: str
    target: str
    owner: str = ""
    permissions: str = ""


class GroupPlan(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    gid: int | None = None


class UserPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One account. ``password`` is a crypt(5) hash; plain passwords are hashed while planning, never kept."""

    name: str
    password: str
    groups: tuple[GroupPlan, ...] = ()
    home: str = ""
    shell: str = ""
    uid: int | None = None
    realname: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """System settings written into the tree; an empty string leaves what the packages made."""

    locale: str = ""
    keytable: str = ""
    timezone: str = ""
    bootsplash_theme: str = ""
    exclude_docs: bool = False
    rpm_languages: tuple[str, ...] = ()
    """Languages whose files rpm unpacks; empty means all."""


class HistoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    created_by: str
    author: str
    comment: str = ""


class ContainerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """``<containerconfig>`` with its defaults filled in.

    For entrypoint and subcommand None means: not set, and an empty tuple: an inherited one is removed.
    """

    name: str = "kiwi-container"
    tag: str = "latest"
    additional_names: tuple[str, ...] = ()
    maintainer: str = ""
    user: str = ""
    workingdir: str = ""
    entrypoint: tuple[str, ...] | None = None
    subcommand: tuple[str, ...] | None = None
    expose: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stopsignal: str = ""
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    history: HistoryPlan | None = None


class SizePlan(msgspec.Struct, frozen=True, kw_only=True):
    """``<size>`` in mebibytes; ``additive`` adds it to the measured need instead of setting the total.

    ``unpartitioned_mib`` of it stay outside the partition table.
    """

    mebibytes: int
    additive: bool = False
    unpartitioned_mib: int = 0


class AppxPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A Windows package; ``metadata_path`` is the folder of its manifest and pictures."""

    metadata_path: str
    application_id: str = ""
    package_version: str = ""
    launcher: str = ""


class TypePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The one result to build. ``image`` is KIWI's type name; what a type does not have is None or empty.

    Attributes:
        filesystem: of the root; ``fscreateoptions`` are arguments for its mkfs, ``fsmountoptions`` go into fstab.
        format: as written; ``disk_format`` is what it means for a disk.
        derived_from: base images by URI, separated by commas; ``delta_root``: only the difference is shipped.
        edit_boot_config, edit_boot_install: scripts of the description that change boot code.
        selinux_policy: folder of the policy whose labels files get.
    """

    image: str
    filesystem: str = ""
    format: str = ""
    fscreateoptions: tuple[str, ...] = ()
    fsmountoptions: tuple[str, ...] = ()
    rootfs_label: str = "ROOT"
    squashfscompression: str = "xz"
    erofscompression: str = ""
    selinux_policy: str = "targeted"
    ensure_empty_tmpdirs: bool = True
    derived_from: str = ""
    delta_root: bool = False
    provide_system_files: bool = False
    require_system_files: bool = False
    size: SizePlan | None = None
    container: ContainerPlan | None = None
    bundle_format: str = ""
    edit_boot_config: str = ""
    edit_boot_install: str = ""
    boot: BootPlan | None = None
    initrd: InitrdPlan | None = None
    disk: DiskPlan | None = None
    disk_format: DiskFormatPlan | None = None
    oem: OemPlan | None = None
    install: InstallPlan | None = None
    media: MediaPlan | None = None
    live: LivePlan | None = None
    netboot: NetbootPlan | None = None
    machine: MachinePlan | None = None
    vagrant: VagrantPlan | None = None
    luks: LuksPlan | None = None
    verity: VerityPlan | None = None
    integrity: IntegrityPlan | None = None
    overlay_root: OverlayRootPlan | None = None
    appx: AppxPlan | None = None
    enclave_format: str = ""


class DescriptionRef(msgspec.Struct, frozen=True, kw_only=True):
    """The description a plan was made from: main file and digest over all files of its folder."""

    kiwi_file: str
    digest: str


class Unsupported(msgspec.Struct, frozen=True, kw_only=True):
    """Something the description asks for that this engine cannot build yet."""

    element: str
    where: str
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a build will do, before anything is downloaded."""

    schema: str = "urn:packhouse:schema:plan:v1"
    image: ImageIdentity
    arch: str
    profiles: tuple[str, ...]
    type: TypePlan
    packages: PackageRequest
    delete: tuple[str, ...] = ()
    uninstall: tuple[str, ...] = ()
    system_files: tuple[str, ...] = ()
    """Packages that lists of system files leave out."""
    archives: tuple[ArchivePlan, ...] = ()
    files: tuple[FilePlan, ...] = ()
    users: tuple[UserPlan, ...] = ()
    preload: tuple[PreloadedContainer, ...] = ()
    certificates: tuple[CertificatesPlan, ...] = ()
    settings: Settings = Settings()
    environment: dict[str, str] = {}
    """The ``kiwi_*`` variables of scripts and ``/.profile``."""
    description: DescriptionRef
    unsupported: tuple[Unsupported, ...] = ()

    @property
    def digest(self) -> str:
        return digest_of(self)

    @property
    def stem(self) -> str:
        """``<name>.<arch>-<version>``: the first part of every result file name."""
        return f"{self.image.name}.{self.arch}-{self.image.version}"
