# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import py_compile
import time
from pathlib import Path

import pytest

from runner.prepare import normalisation, rewrites
from runner.prepare.normalisation_rules import RULES, TEMPORARY, Action, Rule

EPOCH = 1_700_000_000


def make(root: Path, name: str, content: bytes = b"x", mtime: int | None = None) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def run(root: Path) -> None:
    normalisation.run(normalisation.Inputs(EPOCH), root)


@pytest.mark.parametrize("rule", [*RULES, *TEMPORARY], ids=lambda rule: f"{rule.pattern}-{rule.action.name}")
def test_every_rule_is_seen_and_done(tmp_path: Path, rule: Rule) -> None:
    name = rule.pattern.lstrip("/").replace("[0-9]", "0").replace("*", "some")
    victim = make(tmp_path, name + "/inner" if rule.action is Action.CLEAR else name)
    neighbour = make(tmp_path, "etc/stays")
    before = normalisation.assert_normal(tmp_path, EPOCH)
    assert any(line.startswith(rule.pattern.split("*")[0].split("[")[0]) for line in before)
    run(tmp_path)
    assert normalisation.assert_normal(tmp_path, EPOCH) == []
    assert neighbour.exists()
    if rule.action is Action.EMPTY:
        assert victim.read_bytes() == b""
    else:
        assert not victim.exists()
    if rule.action is Action.CLEAR:
        assert victim.parent.is_dir()


def test_twice_is_once(tmp_path: Path) -> None:
    make(tmp_path, "etc/shadow", b"root:!:99999:0:99999:7:::\n")
    make(tmp_path, "var/lib/apt/extended_states", b"Package: b\nAuto-Installed: 1\n\nPackage: a\n\n")
    run(tmp_path)
    state = {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in tmp_path.rglob("*")}
    run(tmp_path)
    assert state == {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in tmp_path.rglob("*")}


def test_links_never_lead_to_the_host(tmp_path: Path) -> None:
    host = make(tmp_path / "host", "lists/file")
    root = tmp_path / "tree"
    make(root, "etc/x")
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/apt").symlink_to(tmp_path / "host")
    (root / "run").symlink_to(tmp_path / "host")
    (root / "tmp").symlink_to("tmp")
    (root / "etc/shadow").symlink_to(make(tmp_path / "host", "shadow", b"a:b:99999:\n"))
    run(root)
    assert host.exists()
    assert (tmp_path / "host/shadow").read_bytes() == b"a:b:99999:\n"


def test_times_are_clamped_links_and_directories_too(tmp_path: Path) -> None:
    old = make(tmp_path, "usr/old", mtime=1_000)
    make(tmp_path, "usr/new")
    (tmp_path / "usr/link").symlink_to("/nowhere")
    assert any("changed after the epoch" in line for line in normalisation.assert_normal(tmp_path, EPOCH))
    run(tmp_path)
    assert old.stat().st_mtime == 1_000
    for path in (tmp_path, tmp_path / "usr", tmp_path / "usr/new", tmp_path / "usr/link"):
        assert path.lstat().st_mtime_ns == EPOCH * 10**9, path


def test_a_part_of_a_second_after_the_epoch_is_late(tmp_path: Path) -> None:
    path = make(tmp_path, "file")
    os.utime(path, ns=(0, EPOCH * 10**9 + 1))
    run(tmp_path)
    assert path.stat().st_mtime_ns == EPOCH * 10**9


@pytest.mark.parametrize("name", ["dev", "proc", "run", "sys", "tmp"])
def test_folders_that_a_sandbox_mounts_over_have_one_time(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    os.utime(tmp_path / name, (1, 1))
    normalisation.run(normalisation.Inputs(EPOCH), tmp_path)
    assert (tmp_path / name).stat().st_mtime == EPOCH


def test_temporary_folders_stay_when_asked(tmp_path: Path) -> None:
    kept = make(tmp_path, "tmp/kept")
    normalisation.run(normalisation.Inputs(EPOCH, empty_temporary=False), tmp_path)
    assert kept.exists()
    assert normalisation.assert_normal(tmp_path, EPOCH, empty_temporary=False) == []
    assert normalisation.assert_normal(tmp_path, EPOCH) != []


def test_run_lock_stays(tmp_path: Path) -> None:
    make(tmp_path, "run/lock/x")
    make(tmp_path, "run/other/x")
    run(tmp_path)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
    assert list((tmp_path / "run/lock").iterdir()) == []


def test_link_of_the_packages_to_the_machine_id_stays(tmp_path: Path) -> None:
    make(tmp_path, "etc/machine-id", b"0123\n")
    (tmp_path / "var/lib/dbus").mkdir(parents=True)
    (tmp_path / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    run(tmp_path)
    assert (tmp_path / "etc/machine-id").read_bytes() == b""
    assert (tmp_path / "var/lib/dbus/machine-id").is_symlink()


def test_attributes_end_up_in_one_order(tmp_path: Path) -> None:
    names = ["user.b", "user.a", "user.c"]
    orders = []
    for number, order in enumerate((names, names[::-1])):
        path = make(tmp_path, f"tree{number}/file", mtime=1)
        for name in order:
            os.setxattr(path, name, name.encode())
        run(path.parent)
        orders.append(os.listxattr(path))
        assert {name: os.getxattr(path, name) for name in names} == {name: name.encode() for name in names}
    assert orders[0] == orders[1]


class TestBytecode:
    def compiled(
        self,
        root: Path,
        mtime: int,
        mode: py_compile.PycInvalidationMode = py_compile.PycInvalidationMode.TIMESTAMP,
    ) -> Path:
        source = make(root, "usr/lib/m.py", b"a = 1\n", mtime)
        compiled = py_compile.compile(str(source), doraise=True, invalidation_mode=mode)
        return Path(str(compiled))

    def test_from_a_packaged_source_stays(self, tmp_path: Path) -> None:
        cached = self.compiled(tmp_path, EPOCH - 5)
        content = cached.read_bytes()
        run(tmp_path)
        assert cached.read_bytes() == content

    def test_from_a_source_of_the_build_goes(self, tmp_path: Path) -> None:
        cached = self.compiled(tmp_path, EPOCH + 5)
        run(tmp_path)
        assert not cached.exists()
        assert normalisation.assert_normal(tmp_path, EPOCH) == []

    def test_checked_by_hash_stays(self, tmp_path: Path) -> None:
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        cached = self.compiled(tmp_path, EPOCH + 5, mode)
        run(tmp_path)
        assert cached.exists()

    def test_without_its_source_goes(self, tmp_path: Path) -> None:
        cached = self.compiled(tmp_path, EPOCH - 5)
        (tmp_path / "usr/lib/m.py").unlink()
        run(tmp_path)
        assert not cached.exists()

    def test_a_broken_one_goes(self, tmp_path: Path) -> None:
        cached = self.compiled(tmp_path, EPOCH - 5)
        cached.write_bytes(b"short")
        run(tmp_path)
        assert not cached.exists()


class TestRewrites:
    def test_shadow(self) -> None:
        day = EPOCH // 86400
        content = b"root:*:99999:0:99999:7:::\nold:*:12:0:::::\nmust:*:0:0:::::\nnone:*::0:::::\n\n"
        assert rewrites.clamp_shadow(content, EPOCH) == (
            b"root:*:%d:0:99999:7:::\nold:*:12:0:::::\nmust:*:0:0:::::\nnone:*::0:::::\n\n" % day
        )

    def test_machine_id_keeps_the_word_for_first_boot(self) -> None:
        assert rewrites.empty_machine_id(b"uninitialized\n", 0) == b"uninitialized\n"
        assert rewrites.empty_machine_id(b"00ff\n", 0) == b""

    def test_stanzas(self) -> None:
        assert rewrites.sort_stanzas(b"\nPackage: b\nx: 1\n\n\nPackage: a\n", 0) == (
            b"Package: a\n\nPackage: b\nx: 1\n\n"
        )
        assert rewrites.sort_stanzas(b"", 0) == b""

    def test_mdadm(self) -> None:
        assert rewrites.drop_generation_note(
            b"a\n# This configuration was auto-generated on Mon by x\nb\n", 0
        ) == (b"a\nb\n")


def test_ten_thousand_entries_are_quick(tmp_path: Path) -> None:
    for folder in range(100):
        (tmp_path / str(folder)).mkdir()
        for name in range(100):
            (tmp_path / str(folder) / str(name)).touch()
    start = time.process_time()
    run(tmp_path)
    assert time.process_time() - start < 1.0  # 0.1 s here; generous for a loaded machine
