# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from runner.prepare import kconfig

if TYPE_CHECKING:
    from pathlib import Path


WORKING = [
    "baseSetRunlevel",
    "baseInsertService",
    "baseRemoveService",
    "baseService",
    "baseSystemdCall",
    "baseSystemdServiceInstalled",
    "baseSysVServiceInstalled",
    "suseInsertService",
    "suseRemoveService",
    "suseService",
    "baseUpdateSysConfig",
    "suseSetupProduct",
    "baseStripLocales",
    "baseStripTranslations",
    "baseStripUnusedLibs",
    "baseStripAndKeep",
    "baseStripTools",
    "baseStripFirmware",
    "baseStripModules",
    "baseStripKernel",
    "baseStripInitrd",
    "suseStripKernel",
    "suseStripInitrd",
    "baseCreateKernelTree",
    "baseSyncKernelTree",
    "baseFixupKernelModuleDependencies",
    "baseUpdateModuleDependencies",
    "baseKernelDriverMatches",
    "baseSetupBuildDay",
    "suseImportBuildKey",
    "baseVagrantSetup",
    "setupContainerRuntime",
    "mountProc",
    "mountCgroups",
    "umountCgroups",
    "Echo",
    "Debug",
    "Rm",
    "baseQuoteFile",
]
DEPRECATED = [
    "baseMount",
    "baseCleanMount",
    "suseConfig",
    "suseActivateDefaultServices",
    "baseSetupUserPermissions",
    "baseGetPackagesForDeletion",
    "baseGetProfilesUsed",
    "baseStripMans",
    "baseStripDocs",
    "baseStripInfos",
    "Rpm",
    "rhelStripInitrd",
    "debianStripInitrd",
    "rhelStripKernel",
    "debianStripKernel",
    "rhelSplashToGrub",
    "suseSetupProductInformation",
    "baseCleanup",
    "suseCleanup",
    "suseRemoveYaST",
]


NEED_ARGUMENTS = {"Rm", "baseStripUnusedLibs", "baseSystemdServiceInstalled", "baseSysVServiceInstalled"}

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def bash(
    script: str,
    *,
    writable: Path | None = None,
    over: tuple[tuple[Path, str], ...] = (),
    image: bool = True,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run ``script`` after the library, in a world of its own: some of these functions remove whole directories.

    ``/usr`` is this machine's, read-only; all else is empty but ``writable`` and what is laid ``over``.
    """
    argv = ["bwrap", "--unshare-all", "--die-with-parent", "--tmpfs", "/", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "lib", "lib64", "sbin"):
        argv += ["--symlink", f"usr/{name}", f"/{name}"]
    argv += ["--dev", "/dev", "--proc", "/proc", "--dir", "/tmp"]
    library = "/.kconfig" if image else "/library"
    content = os.memfd_create("library")
    os.write(content, kconfig.library())
    os.lseek(content, 0, os.SEEK_SET)
    argv += ["--ro-bind-data", str(content), library]
    for source, target in (*over, *([(writable, str(writable))] if writable else [])):
        argv += ["--bind", str(source), target]
    argv += ["--chdir", str(writable or "/"), "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]
    for key, value in env.items():
        argv += ["--setenv", key, value]
    try:
        return subprocess.run(
            [*argv, "bash", "-euc", f". {library}\n{script}"],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
            pass_fds=(content,),
        )
    finally:
        os.close(content)


@pytest.mark.parametrize("name", [*WORKING, *DEPRECATED])
def test_every_function_is_there(name: str) -> None:
    assert bash(f"type -t {name}").stdout == "function\n"


@pytest.mark.parametrize("name", DEPRECATED)
def test_deprecated_functions_warn_and_go_on(name: str) -> None:
    done = bash(f"{name} </dev/null; echo on")
    assert done.stdout.endswith("on\n")
    assert "warning: " in done.stderr


@pytest.mark.parametrize("name", sorted({*WORKING} - NEED_ARGUMENTS))
def test_functions_without_arguments_do_no_harm(name: str) -> None:
    assert bash(f"{name} </dev/null; echo on").stdout.endswith("on\n")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("part", [*kconfig.PARTS, "all"])
def test_shellcheck_is_content(part: str) -> None:
    folder = resources.files("runner.prepare").joinpath("data", "kconfig")
    text = kconfig.library() if part == "all" else folder.joinpath(f"{part}.sh").read_bytes()
    subprocess.run(["shellcheck", "--shell=bash", "-"], input=text, check=True)


def test_locale_is_fixed() -> None:
    assert bash('bash -c "echo $LANG $LC_ALL"', LANG="de_DE.UTF-8").stdout == "C C\n"


@pytest.mark.parametrize("value", ["plain", "a b", 'say "x"', "$HOME `id` \\ \\n", "a/b|c&d@e", ""])
def test_update_sysconfig(tmp_path: Path, value: str) -> None:
    file = tmp_path / "conf"
    file.write_text("# KEY=comment\nKEYS=1\nKEY=old\nlast='x'")
    bash(f'baseUpdateSysConfig {file} KEY "$value"', writable=tmp_path, value=value)
    lines = file.read_text().splitlines()
    assert [lines[0], lines[1], lines[3]] == ["# KEY=comment", "KEYS=1", "last='x'"]
    said = subprocess.run(
        ["bash", "-c", f'. {file}; printf %s "$KEY"'], capture_output=True, text=True, check=True
    )
    assert said.stdout == value


def test_update_sysconfig_adds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "conf"
    file.write_text("A=1\n")
    assert (
        "no file"
        in bash(f"baseUpdateSysConfig {file}.none A 2; baseUpdateSysConfig {file} B 2", writable=tmp_path).stderr
    )
    assert file.read_text() == "A=1\n"


def test_quote_file(tmp_path: Path) -> None:
    file = tmp_path / "conf"
    file.write_text("# c\nA=it's $HOME\nB='done'\nC=\"done\"\nno assignment\n")
    bash(f"baseQuoteFile {file}", writable=tmp_path)
    assert file.read_text() == "# c\nA='it'\\''s $HOME'\nB='done'\nC=\"done\"\nno assignment\n"


def test_strip_and_keep(tmp_path: Path) -> None:
    for name in ("keep", "drop", "with space"):
        (tmp_path / name).write_text("")
    bash("find . -type f | baseStripAndKeep keep other", writable=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_strip_tools_takes_a_list_in_one_argument(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("")
    bash(f'baseStripTools {tmp_path} "a b"', writable=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_old_helpers_answer_from_the_environment() -> None:
    done = bash("baseGetProfilesUsed; baseGetPackagesForDeletion", kiwi_profiles="a,b", kiwi_delete="x y")
    assert done.stdout == "a b\nx y\n"


def test_nothing_else_leaks_into_the_script() -> None:
    names = bash("declare -F").stdout.split()[2::3]
    known = {*WORKING, *DEPRECATED, "umountProc", "suseStripPackager"}
    assert [name for name in names if name not in known and not re.match("_packhouse", name)] == []


STRIPPERS = ["baseStripTranslations", "baseStripLocales"]
PLACES = {"baseStripTranslations": "/usr/share/locale", "baseStripLocales": "/usr/lib/locale"}


@pytest.fixture
def languages(tmp_path: Path) -> Path:
    folder = tmp_path / "languages"
    for name in ("de", "en", "fr"):
        (folder / name).mkdir(parents=True)
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("function", STRIPPERS)
def test_named_languages_stay(languages: Path, function: str) -> None:
    bash(f'{function} "de en"', over=((languages, PLACES[function]),))
    assert left(languages) == ["de", "en"]


@pytest.mark.parametrize("function", STRIPPERS)
@pytest.mark.parametrize("arguments", ["", "''", "' '"])
def test_with_no_name_nothing_is_removed(languages: Path, function: str, arguments: str) -> None:
    done = bash(f"{function} {arguments}", over=((languages, PLACES[function]),))
    assert left(languages) == ["de", "en", "fr"]
    if arguments != "' '":
        assert "nothing removed" in done.stderr


@pytest.mark.parametrize("function", STRIPPERS)
def test_outside_of_an_image_nothing_is_removed(languages: Path, function: str) -> None:
    done = bash(f"{function} de", over=((languages, PLACES[function]),), image=False)
    assert left(languages) == ["de", "en", "fr"]
    assert "no image under work" in done.stderr


@pytest.mark.parametrize(
    "call", ["baseSetRunlevel 5", "baseSetupBuildDay", "suseSetupProduct", "baseStripTools /usr/bin x"]
)
def test_outside_of_an_image_nothing_changes(call: str) -> None:
    done = bash(f"{call}; find / -xdev -newer /proc/self/exe -type l -name default.target; ls /", image=False)
    assert "no image under work" in done.stderr
    assert "build_day" not in done.stdout


def test_build_day_is_that_of_the_sources() -> None:
    assert (
        bash("baseSetupBuildDay; cat /build_day", SOURCE_DATE_EPOCH="1700000000").stdout == "build_day=20231114\n"
    )


@pytest.mark.parametrize(
    ("level", "target"),
    [("3", "multi-user.target"), ("5", "graphical.target"), ("rescue", "rescue.target"), ("a.target", "a.target")],
)
def test_runlevel(level: str, target: str) -> None:
    said = bash(f"baseSetRunlevel {level}; readlink /etc/systemd/system/default.target").stdout
    assert said.rstrip().endswith(f"/systemd/system/{target}")


UNITS = r"""
mkdir -p /etc/systemd/system /etc/init.d /b
touch /etc/systemd/system/a.service /etc/systemd/system/data.mount /etc/systemd/system/tty@.service
touch /etc/init.d/old
printf '#!/bin/sh\necho systemctl $*\n' > /b/systemctl
chmod +x /etc/init.d/old /b/systemctl
PATH=/b:$PATH
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("baseInsertService a", "systemctl enable a.service\n"),
        ("baseRemoveService a.service", "systemctl disable a.service\n"),
        ("suseService a on", "systemctl enable a.service\n"),
        ("baseService data off", "systemctl disable data.mount\n"),
        ("baseInsertService tty@tty1", "systemctl enable tty@tty1.service\n"),
        ("suseInsertService old", "systemctl enable old\n"),
        ("baseSystemdCall a mask --now", "systemctl mask --now a.service\n"),
        ("baseInsertService none", ""),
        ("baseService a maybe", ""),
        ("baseSystemdServiceInstalled a", "/etc/systemd/system/a.service\n"),
        ("baseSysVServiceInstalled old", "/etc/init.d/old\n"),
    ],
)
def test_services(call: str, expected: str) -> None:
    assert bash(UNITS + call).stdout == expected


def test_without_systemctl_services_are_a_warning() -> None:
    done = bash(UNITS + "rm /b/systemctl; PATH=/b; baseInsertService a")
    assert "systemctl is not installed" in done.stderr


@pytest.mark.parametrize("arguments", ["", "{}", "{} ''", "{} ' '"])
def test_strip_tools_with_no_name_removes_nothing(languages: Path, arguments: str) -> None:
    bash(f"baseStripTools {arguments.format(languages)}", writable=languages)
    assert left(languages) == ["de", "en", "fr"]


PROGRAMS = ("bash", "find", "sort", "readlink", "rm", "ldd")
PACKED = "/usr/lib/x86_64-linux-gnu"


def linked(path: str) -> list[str]:
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", said)


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A tree of a few programs with their libraries, one plugin, and libraries that nobody is linked with."""
    tree = tmp_path / "tree"
    folder = tree / PACKED[1:]
    for name in ("usr/bin", "usr/lib64", PACKED[1:] + "/plugins"):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    for name in PROGRAMS:
        shutil.copy(f"/usr/bin/{name}", tree / "usr/bin")
        for library in linked(f"/usr/bin/{name}"):
            if not (tree / library[1:]).exists():
                shutil.copy(library, tree / library[1:])
    plugin = next(path for path in linked("/usr/bin/xz") if "liblzma" in path)
    shutil.copy(plugin, folder / "plugins/plugin.so")
    shutil.copy(plugin, folder / "libused.so.1.2.3")
    for name in ("libunused.so.1", "libnamed.so.2", "libnss_files.so.2", "libasked.so.5"):
        shutil.copy(plugin, folder / name)
    (folder / "libunused.so").symlink_to("libunused.so.1")
    return tree


def strip_libraries(tree: Path, call: str, **env: str) -> set[str]:
    """Run ``call`` with the tree as the whole world, and return the names that are gone."""
    folder = tree / PACKED[1:]
    before = {path.name for path in folder.iterdir()}
    (tree / ".kconfig").write_bytes(kconfig.library())
    argv = ["bwrap", "--unshare-all", "--die-with-parent", "--bind", str(tree), "/", "--clearenv"]
    argv += ["--dev", "/dev", "--proc", "/proc", "--setenv", "PATH", "/usr/bin"]
    for key, value in env.items():
        argv += ["--setenv", key, value]
    subprocess.run([*argv, "bash", "-euc", f". /.kconfig; {call}; find / -maxdepth 0"], check=True)
    return before - {path.name for path in folder.iterdir()}


@pytest.mark.skipif(not os.path.isdir(PACKED), reason="lays out the libraries of x86_64")  # noqa: PTH112
def test_unused_libraries_are_removed(libraries: Path) -> None:
    gone = strip_libraries(libraries, "baseStripUnusedLibs libnamed", kiwi_strip_libs="libasked libother")
    assert gone == {"libunused.so", "libunused.so.1", "libused.so.1.2.3"}


@pytest.mark.skipif(not os.path.isdir(PACKED), reason="lays out the libraries of x86_64")  # noqa: PTH112
def test_without_ldd_no_library_is_removed(libraries: Path) -> None:
    (libraries / "usr/bin/ldd").unlink()
    assert strip_libraries(libraries, "baseStripUnusedLibs") == set()
