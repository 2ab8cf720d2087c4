# SPDX-License-Identifier: Apache-2.0
"""GRUB's menu, in the language of its manual (section "Writing full configuration files directly")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.bootloader.facts import BootFacts
    from runner.bootloader.grub_theme import Theme
    from runner.initrd.kernel import Kernel

_PLAIN = re.compile(r"[A-Za-z0-9_./:=,@%+^-]+")
_STYLES = {"menu": "menu", "hidden": "hidden", "countdown": "countdown"}
_VIDEO = "gfxterm"
_SERIAL_DEFAULT = "serial"


def quote(word: str) -> str:
    """Return ``word`` so that GRUB's shell takes it as one word, whatever is in it."""
    if _PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def grub_config(facts: BootFacts, theme: Theme | None = None) -> str:
    """Return ``grub.cfg``: an entry for each kernel; ``theme`` dresses a graphical menu.

    Raises:
        BuildError: the disk has no root partition.
    """
    return "\n".join([*_head(facts), *_terminals(facts, theme), "", *_entries(facts), ""])


def pointer(facts: BootFacts) -> str:
    """Return a ``grub.cfg`` that finds the real one: for an EFI partition, and for what is built into GRUB."""
    uuid = facts.home.filesystem_uuid
    return f"search.fs_uuid {uuid} root\nset prefix=($root){facts.prefix}/grub\n"


def _head(facts: BootFacts) -> Iterator[str]:
    loader = facts.loader
    yield "# Written when the image was built; grub-mkconfig replaces it."
    yield "set default=0"
    yield f"set timeout={loader.timeout_seconds}"
    yield f"set timeout_style={_STYLES.get(loader.timeout_style, 'menu')}"
    yield "if [ -s $prefix/grubenv ]; then"
    yield "  load_env"
    yield "fi"
    for name, value in loader.environment:
        yield f"set {name}={quote(value)}"


def _terminals(facts: BootFacts, theme: Theme | None) -> Iterator[str]:
    loader = facts.loader
    output, input_ = list(loader.output), list(loader.input)
    if "serial" in {*output, *input_}:
        yield loader.serial_line or _SERIAL_DEFAULT
    if _VIDEO in output:
        rest = " ".join(name for name in output if name != _VIDEO)
        yield "if loadfont $prefix/fonts/unicode.pf2; then"
        yield f"  set gfxmode={quote(loader.video_mode)}"
        yield "  insmod all_video"
        yield "  insmod gfxterm"
        yield f"  terminal_output {_VIDEO} {rest}".rstrip()
        yield from _themed(theme)
        if rest:
            yield "else"
            yield f"  terminal_output {rest}"
        yield "fi"
    elif output:
        yield f"terminal_output {' '.join(output)}"
    if input_:
        yield f"terminal_input {' '.join(input_)}"


def _themed(theme: Theme | None) -> Iterator[str]:
    if theme is None:
        return
    folder = f"$prefix/themes/{theme.name}"
    yield from (f"  loadfont {folder}/{quote(font)}" for font in theme.fonts)
    yield from (f"  insmod {module}" for module in ("gfxmenu", "png", "jpeg"))
    yield f"  set theme={folder}/theme.txt"
    yield "  export theme"


def _entries(facts: BootFacts) -> Iterator[str]:
    for number, kernel in enumerate(facts.kernels):
        title = facts.loader.title or "Linux"
        yield from _entry(facts, kernel, title if number == 0 else f"{title} ({kernel.version})")


def _entry(facts: BootFacts, kernel: Kernel, title: str) -> Iterator[str]:
    words = " ".join(map(quote, facts.cmdline.split()))
    yield f"menuentry {quote(title)} --class os --unrestricted {{"
    yield "  insmod all_video"
    yield "  set gfxpayload=keep"
    yield f"  search --no-floppy --fs-uuid --set=root {facts.home.filesystem_uuid}"
    yield f"  linux {_path(facts, kernel.image)} {words}"
    if facts.has_initrd:
        yield f"  initrd {_path(facts, kernel.initrd)}"
    yield "}"


def _path(facts: BootFacts, path: str) -> str:
    return quote(facts.prefix + path.removeprefix("/boot"))
