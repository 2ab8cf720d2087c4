# SPDX-License-Identifier: Apache-2.0
"""Find UEFI firmware for QEMU by the descriptors that distributions install with it.

Their form is QEMU's ``docs/interop/firmware.json``; their order, and how one folder overrides another, as there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDERS = (Path("/etc/qemu/firmware"), Path("/usr/local/share/qemu/firmware"), Path("/usr/share/qemu/firmware"))


class _File(msgspec.Struct, frozen=True):
    filename: str
    format: str = "raw"


class _Mapping(msgspec.Struct, frozen=True, rename="kebab"):
    device: str
    executable: _File | None = None
    nvram_template: _File | None = None


class _Target(msgspec.Struct, frozen=True):
    architecture: str
    machines: tuple[str, ...]


class _Descriptor(msgspec.Struct, frozen=True, rename="kebab"):
    interface_types: tuple[str, ...]
    mapping: _Mapping
    targets: tuple[_Target, ...]
    features: tuple[str, ...]


class Uefi(msgspec.Struct, frozen=True):
    """Firmware as two flash chips: its code, and the variables a machine gets its own copy of.

    ``needs_smm``: its variables are guarded by system management mode.
    """

    code: Path
    variables: Path
    needs_smm: bool


def find_uefi(*, secure: bool, arch: str = "x86_64", folders: Sequence[Path] = FOLDERS) -> Uefi:
    """Return the first firmware; with ``secure`` one that enforces secure boot with its keys enrolled.

    Raises:
        HostError: none is installed.
    """
    for descriptor in _descriptors(folders):
        found = _usable(descriptor, secure=secure, arch=arch)
        if found is not None:
            return found
    raise HostError(
        f"no UEFI firmware for {arch}{' with secure boot' if secure else ''} is installed",
        why=f"looked for its descriptor in {', '.join(map(str, folders))}",
        hint="install ovmf (Debian), edk2-ovmf (Fedora) or qemu-ovmf-x86_64 (openSUSE)",
    )


def _descriptors(folders: Sequence[Path]) -> Iterator[_Descriptor]:
    """A file hides those of its name in later folders; the order is that of the names."""
    files: dict[str, Path] = {}
    for folder in reversed(folders):
        files.update({path.name: path for path in folder.glob("*.json")})
    for name in sorted(files):
        try:
            yield msgspec.json.decode(files[name].read_bytes(), type=_Descriptor)
        except (OSError, msgspec.DecodeError):  # an empty file hides another; other kinds of firmware differ
            continue


def _usable(descriptor: _Descriptor, *, secure: bool, arch: str) -> Uefi | None:
    code, variables = descriptor.mapping.executable, descriptor.mapping.nvram_template
    if code is None or variables is None or (code.format, variables.format) != ("raw", "raw"):
        return None
    if "uefi" not in descriptor.interface_types or descriptor.mapping.device != "flash":
        return None
    fits = any(
        target.architecture == arch and any(name.startswith("pc-q35") for name in target.machines)
        for target in descriptor.targets
    )
    wanted = {"secure-boot", "enrolled-keys"} if secure else set()
    has = {"secure-boot", "enrolled-keys"} & set(descriptor.features)
    uefi = Uefi(Path(code.filename), Path(variables.filename), "requires-smm" in descriptor.features)
    if not fits or (has != wanted if secure else "enrolled-keys" in has):
        return None
    return uefi if uefi.code.is_file() and uefi.variables.is_file() else None
