# SPDX-License-Identifier: Apache-2.0
"""Writes locale, keyboard, time zone, host name and image id: plain files, the same on every distribution.

KIWI runs systemd-firstboot for these, which minimal Debian trees do not have. The files are those it writes
(locale.conf(5), vconsole.conf(5), localtime(5)), and Debian's own names for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from runner.plan.model import Settings
    from runner.prepare.step import Bench

VERSION = 1

_HOSTS = b"""127.0.0.1\tlocalhost
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters
"""
_ALWAYS_THERE = frozenset({"C", "POSIX", "C.UTF-8"})
_PLYMOUTH = "plymouth-set-default-theme"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The settings of the plan and the id of the image (empty: none)."""

    settings: Settings
    image_id: str = ""


def run(inputs: Inputs, bench: Bench) -> None:
    """Write what is set. ``/etc/resolv.conf`` is never touched; host name and hosts only when missing.

    Raises:
        DescriptionError: a value that cannot stand in its file.
    """
    settings = inputs.settings
    if inputs.image_id:
        bench.paths.write("/etc/ImageID", f"{_one_line(inputs.image_id)}\n".encode())
    _hostname(bench)
    if settings.keytable:
        _keytable(_checked(settings.keytable, "keytable"), bench)
    if settings.locale:
        _locale(_checked(settings.locale.split(",")[0].strip(), "locale"), bench)
    if settings.bootsplash_theme:
        _bootsplash(settings.bootsplash_theme, bench)
    if settings.timezone:
        _timezone(_checked(settings.timezone, "timezone"), bench)


def _hostname(bench: Bench) -> None:
    if not bench.paths.exists("/etc/hostname"):
        bench.paths.write("/etc/hostname", b"localhost\n")
    if not bench.paths.exists("/etc/hosts"):
        bench.paths.write("/etc/hosts", _HOSTS)


def _keytable(keytable: str, bench: Bench) -> None:
    keymap = keytable.removesuffix(".gz").removesuffix(".map")  # old descriptions give the file name
    bench.paths.write("/etc/vconsole.conf", f"KEYMAP={keymap}\n".encode())


def _locale(locale: str, bench: Bench) -> None:
    name = locale if locale in _ALWAYS_THERE or "." in locale else f"{locale}.UTF-8"
    content = f"LANG={name}\n".encode()
    bench.paths.write("/etc/locale.conf", content)
    if bench.paths.resolve("/etc/default").is_dir():
        bench.paths.write("/etc/default/locale", content)
    if name not in _ALWAYS_THERE and not _is_generated(name, bench):
        bench.warn(
            f"the image lacks the locale {name}: add the package locales-all, or run locale-gen in config.sh"
        )


def _is_generated(name: str, bench: Bench) -> bool:
    compiled = re.sub(r"\.UTF-8$", ".utf8", name)
    if any(bench.paths.exists(f"/usr/lib/locale/{folder}") for folder in (compiled, name)):
        return True
    archive = bench.paths.resolve("/usr/lib/locale/locale-archive")
    return archive.is_file() and compiled.encode() + b"\0" in archive.read_bytes()


def _bootsplash(theme: str, bench: Bench) -> None:
    if bench.paths.exists(f"/usr/sbin/{_PLYMOUTH}"):
        bench.run(_PLYMOUTH, theme, what=f"setting the boot splash {theme}")


def _timezone(zone: str, bench: Bench) -> None:
    file = f"/usr/share/zoneinfo/{zone}"
    if ".." in zone.split("/") or zone.startswith("/"):
        raise DescriptionError(f"the timezone {zone!r} is none", where="<timezone>")
    if not bench.paths.exists(file):
        bench.warn(f"the image does not know the timezone {zone}: add the package tzdata, or check the name")
    bench.paths.link("/etc/localtime", file)
    bench.paths.write("/etc/timezone", f"{zone}\n".encode())


def _checked(value: str, element: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@+/-]+", value):
        raise DescriptionError(f"the {element} {value!r} is none", where=f"<{element}>")
    return value


def _one_line(value: str) -> str:
    return " ".join(value.split())
