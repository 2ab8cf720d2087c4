# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from runner.errors import DescriptionError
from runner.plan.model import Settings
from runner.prepare import settings

if TYPE_CHECKING:
    from runner.prepare.step import Bench


def text(bench: Bench, name: str) -> str:
    return (bench.root / name).read_text()


def test_nothing_set_leaves_what_the_packages_made(bench: Bench) -> None:
    (bench.root / "etc/resolv.conf").write_text("packaged")
    settings.run(settings.Inputs(Settings()), bench)
    assert text(bench, "etc/hostname") == "localhost\n"
    assert "127.0.0.1\tlocalhost" in text(bench, "etc/hosts")
    assert text(bench, "etc/resolv.conf") == "packaged"
    assert sorted(path.name for path in (bench.root / "etc").iterdir()) == ["hostname", "hosts", "resolv.conf"]


def test_all_set(bench: Bench) -> None:
    lines: list[str] = []
    bench = dataclasses.replace(bench, sink=lines.append)
    (bench.root / "etc/default").mkdir()
    (bench.root / "etc/default/locale").symlink_to("../locale.conf")
    (bench.root / "usr/lib/locale/de_DE.utf8").mkdir(parents=True)
    (bench.root / "usr/share/zoneinfo/Europe").mkdir(parents=True)
    (bench.root / "usr/share/zoneinfo/Europe/Berlin").write_text("zone")
    wanted = Settings(
        locale="de_DE,en_US", keytable="de-latin1.map.gz", timezone="Europe/Berlin", bootsplash_theme="x"
    )
    settings.run(settings.Inputs(wanted, "0815"), bench)
    assert text(bench, "etc/locale.conf") == "LANG=de_DE.UTF-8\n"
    assert (bench.root / "etc/default/locale").is_symlink()
    assert text(bench, "etc/vconsole.conf") == "KEYMAP=de-latin1\n"
    assert text(bench, "etc/timezone") == "Europe/Berlin\n"
    assert str((bench.root / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Europe/Berlin"
    assert text(bench, "etc/ImageID") == "0815\n"
    assert lines == []


def test_host_name_of_the_overlay_stays(bench: Bench) -> None:
    (bench.root / "etc/hostname").write_text("mine\n")
    settings.run(settings.Inputs(Settings()), bench)
    assert text(bench, "etc/hostname") == "mine\n"


@pytest.mark.parametrize(("locale", "expected"), [("C", "C"), ("POSIX", "POSIX"), ("C.UTF-8", "C.UTF-8")])
def test_locales_that_are_always_there(bench: Bench, locale: str, expected: str) -> None:
    settings.run(settings.Inputs(Settings(locale=locale)), bench)
    assert text(bench, "etc/locale.conf") == f"LANG={expected}\n"


def test_what_the_image_lacks_is_a_warning(bench: Bench) -> None:
    lines: list[str] = []
    bench = dataclasses.replace(bench, sink=lines.append)
    (bench.root / "usr/lib/locale").mkdir()
    (bench.root / "usr/lib/locale/locale-archive").write_bytes(b"\0en_US.utf8\0")
    settings.run(settings.Inputs(Settings(locale="en_US")), bench)
    assert lines == []
    settings.run(settings.Inputs(Settings(locale="de_DE", timezone="Mars/Olympus")), bench)
    assert any("de_DE.UTF-8" in line for line in lines)
    assert any("tzdata" in line for line in lines)


@pytest.mark.parametrize(
    "wanted",
    [
        Settings(timezone="../../etc/shadow"),
        Settings(timezone="/etc"),
        Settings(locale="x\ny"),
        Settings(keytable="a b"),
    ],
)
def test_values_that_would_break_their_file_are_refused(bench: Bench, wanted: Settings) -> None:
    with pytest.raises(DescriptionError):
        settings.run(settings.Inputs(wanted), bench)
