# SPDX-License-Identifier: Apache-2.0
"""Unified kernel images: kernel, initrd and arguments in one EFI program, as the UAPI Group specifies it.

systemd's stub, which starts the kernel, is the image's own. That ukify would do the same from the image needs
Python in it, and Debian 12 has none.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from runner.bootloader.pe import CODE, Section, image_size, with_sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.bootloader.facts import BootFacts
    from runner.disk.split import PartedTree
    from runner.initrd.kernel import Kernel

_STUB = "usr/lib/systemd/boot/efi/linux{}.efi.stub"
_TITLE = re.compile(r"^PRETTY_NAME=.*\n?", re.MULTILINE)


def unified_kernel(tree: PartedTree, facts: BootFacts, kernel: Kernel, *, efi_arch: str, os_release: str) -> bytes:
    """Return the EFI program that starts ``kernel`` with the arguments of ``facts``.

    Args:
        tree: has the stub, the kernel and its initrd.
        facts: the disk and its plan.
        kernel: one of its kernels.
        efi_arch: what UEFI calls the architecture, in lower case.
        os_release: of the system; the menu shows the title of the plan instead of its name.

    Raises:
        BuildError: the tree has no stub, or the kernel is no EFI program.
    """
    stub = tree.file(_STUB.format(efi_arch), hint="add the package systemd-boot-efi")
    return with_sections(stub.read_bytes(), _sections(tree, facts, kernel, os_release))


def _sections(tree: PartedTree, facts: BootFacts, kernel: Kernel, os_release: str) -> Iterator[Section]:
    title = f"PRETTY_NAME={shlex.quote(facts.loader.title)}\n" if facts.loader.title else ""
    named = title + (_TITLE.sub("", os_release) if title else os_release)
    yield Section(".osrel", named.encode())
    yield Section(".cmdline", facts.cmdline.encode())
    yield Section(".uname", kernel.version.encode())
    if facts.has_initrd:
        yield Section(".initrd", tree.file(kernel.initrd).read_bytes())
    linux = tree.file(kernel.image).read_bytes()
    yield Section(".linux", linux, kind=CODE, room=image_size(linux))
