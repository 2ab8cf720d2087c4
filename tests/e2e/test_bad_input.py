# SPDX-License-Identifier: Apache-2.0
"""Bad input and bad luck: one clear error, the documented exit code, no traceback, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import Signer, build_deb, tiny_distribution
from tests.support.git_repo import GitRepo
from tests.support.packhouse import PROJECT, Outcome, Packhouse
from tests.support.tiny import Tiny, tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

SOURCE, DESCRIPTION, RESOLVE, FETCH, INTEGRITY, BUILD, ENVIRONMENT, STORAGE = 3, 4, 5, 6, 7, 8, 9, 10
USAGE, VERIFICATION, LIMIT, INTERRUPTED, KILLED = 2, 12, 13, 130, -signal.SIGKILL


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return tiny_distribution(tmp_path_factory.mktemp("tiny") / "debs")


@dataclass(frozen=True, slots=True)
class Bench:
    """One setup, one store, and the eyes to see what is left behind."""

    setup: Tiny
    command: Packhouse
    base: Path

    @property
    def target(self) -> Path:
        return self.base / "results" / "out"

    @property
    def storage(self) -> Path:
        return self.base / "storage"

    def build(self, *args: str | Path, expect: int | None, source: str | Path = "", **env: str) -> Outcome:
        """Build; after a failure nothing may be left."""
        before = self.mounts()
        done = self.command.with_env(**self.setup.environment, **env).run(
            *self.arguments(*args, source=source), expect=expect
        )
        assert self.mounts() == before
        self.nothing_left(built=done.exit_code == 0)
        if expect:
            assert done.error["what"], done.said
        return done

    def mounts(self) -> list[str]:
        """What is mounted below our folder: other tests mount things too."""
        return [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.base) in line]

    @property
    def nap(self) -> str:
        """So many seconds sleep the hanging programs of this bench, and no other's."""
        return f"9{zlib.crc32(str(self.base).encode())}"

    def hangs(self) -> bool:
        return _runs("sleep", self.nap)

    def arguments(self, *args: str | Path, source: str | Path = "") -> list[str | Path]:
        return ["build", source or self.setup.description, "--target-dir", self.target, *args]

    def nothing_left(self, *, built: bool = False) -> None:
        assert self.command.leftovers() == []
        assert processes_of(self.base) == []
        results = self.target.parent
        assert (
            [path.name for path in results.iterdir()] == (["out"] if built else [])
            if results.exists()
            else not built
        )
        if not built:
            assert not [path for path in self.storage.rglob("*") if "channels" in path.parts]

    def start(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        """Start a build in a process group of its own, as a shell does."""
        for folder in (self.base / "home", self.command.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            **self.setup.environment,
            **env,
            "PYTHONPATH": str(PROJECT),
            "HOME": str(self.base / "home"),
            "TMPDIR": str(self.command.temporary),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "runner", "--store", self.command.store, *map(str, self.arguments(*args))],
            env=environment,
            cwd=self.base,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )


@pytest.fixture
def bench(tmp_path: Path, debs: list[Path]) -> Iterator[Bench]:
    with tiny(tmp_path / "tiny", debs) as setup:
        yield Bench(setup, Packhouse(tmp_path / "run", tmp_path / "store"), tmp_path)


def processes_of(base: Path) -> list[str]:
    """Command lines of living processes that name something below ``base`` or work there."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if "gpg-agent" not in line and (str(base) in line or place.startswith(str(base))):
            found.append(line)
    return found


# -- the source and the description


def test_no_such_repository(bench: Bench) -> None:
    done = bench.build(source=(bench.base / "nowhere.git").as_uri(), expect=SOURCE)
    assert "nowhere.git" in done.said


def test_no_such_ref(bench: Bench) -> None:
    repo = GitRepo.create(bench.base / "repo")
    repo.commit({"appliance.kiwi": "<image/>"})
    done = bench.build("--ref", "v9", source=repo.path.as_uri(), expect=SOURCE)
    assert "v9" in done.said


def test_no_description(bench: Bench) -> None:
    empty = bench.base / "empty"
    empty.mkdir()
    (empty / "README").write_text("nothing")
    assert bench.build(source=empty, expect=None).exit_code in {SOURCE, DESCRIPTION}


def test_malformed_xml(bench: Bench) -> None:
    bench.setup.edit("</packages>\n</image>", "</image>")
    assert re.search(r"appliance\.kiwi:\d+", bench.build(expect=DESCRIPTION).said)


# -- packages and their repositories


def test_unknown_package(bench: Bench) -> None:
    bench.setup.edit('"hello"', '"no-such-thing"')
    assert "no-such-thing" in bench.build(expect=RESOLVE).error["what"]


def test_unsigned_repository(bench: Bench) -> None:
    bench.setup.repo.write(None)
    assert "signed" in bench.build(expect=RESOLVE).error["what"]


def test_repository_signed_by_another(bench: Bench) -> None:
    with Signer.make(bench.base / "stranger") as stranger:
        bench.setup.repo.write(stranger)
    assert "signed" in bench.build(expect=RESOLVE).error["what"]


def test_damaged_store(bench: Bench) -> None:
    bench.command.with_env(**bench.setup.environment).run("lock", bench.setup.description)
    for blob in (bench.command.store / "blobs").rglob("*"):
        if blob.is_file():
            data = bytearray(blob.read_bytes())
            data[-1] ^= 1
            blob.write_bytes(data)
    done = bench.build(expect=INTEGRITY)
    assert "store" in done.error["what"]


def test_mirror_serves_other_bytes(bench: Bench) -> None:
    deb = bench.setup.repo.file("hello")
    bench.setup.mirror.instead[deb.name] = b"x" * deb.stat().st_size
    assert "hello" in bench.build(expect=INTEGRITY).error["what"]


def test_locked_package_has_left(bench: Bench) -> None:
    command = bench.command.with_env(**bench.setup.environment)
    Packhouse(bench.base / "other", bench.base / "other-store", command.env).run("lock", bench.setup.description)
    bench.setup.repo.file("hello").unlink()
    done = bench.build(expect=FETCH)
    assert "hello" in done.error["what"]
    assert "packhouse lock" in done.error["hint"]


# -- the machine


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Mount a tmpfs of a given size; it goes when the test does."""
    mounted: list[Path] = []

    def mount(place: Path, size: str) -> None:
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        mounted.append(place)

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("size", ["4m", "16m", "40m"])
def test_full_disk_for_the_store(size: str, bench: Bench, small_disk: Callable[[Path, str], None]) -> None:
    small_disk(bench.command.store, size)
    done = bench.build(expect=ENVIRONMENT)
    assert "space" in str(done.error), done.said


@pytest.mark.parametrize("kind", ["squashfs", "ext4", "tbz", "docker"])
def test_full_disk_for_the_results(kind: str, bench: Bench, small_disk: Callable[[Path, str], None]) -> None:
    small_disk(bench.target.parent, "1m")
    done = bench.build("--type", kind, expect=ENVIRONMENT)
    assert "space" in str(done.error), done.said


# -- scripts


def test_failing_script_shows_its_last_40_lines(bench: Bench) -> None:
    bench.setup.script("for i in $(seq 1 100); do echo said $i.; done\nexit 3\n")
    done = bench.build(expect=BUILD)
    assert "config.sh" in done.said
    assert "said 100." in done.said
    assert "said 65." in done.said
    assert "said 55." not in done.said


def test_hanging_script(bench: Bench) -> None:
    config = bench.base / "config.yaml"
    config.write_text("timeout: 5\n")
    bench.setup.script(f"setsid sleep {bench.nap} &\nsleep {bench.nap}\n")
    start = time.monotonic()
    bench.build(expect=LIMIT, PACKHOUSE_CONFIG=str(config))
    assert time.monotonic() - start < 60
    assert not bench.hangs()


# -- keys and storages


def test_wrong_passphrase(bench: Bench) -> None:
    key = bench.base / "key"
    bench.command.run("keygen", "--out", key, env={"PACKHOUSE_KEY_PASSPHRASE": "right one"})
    done = bench.build("--sign", key, expect=None, PACKHOUSE_KEY_PASSPHRASE="wrong one")
    assert done.exit_code in {USAGE, VERIFICATION}
    assert "wrong one" not in done.said


def test_no_private_key(bench: Bench) -> None:
    key = bench.base / "key"
    key.write_text("not a key\n")
    assert bench.build("--sign", key, expect=None).exit_code in {USAGE, VERIFICATION}
    assert bench.build("--sign", bench.base / "none", expect=None).exit_code in {USAGE, VERIFICATION}


def test_release_of_another_key(bench: Bench) -> None:
    for name in ("mine", "other"):
        bench.command.run("keygen", "--out", bench.base / name)
    bench.build("--sign", bench.base / "mine", expect=0)
    bench.command.run("verify", bench.target, "--key", bench.base / "mine.pub")
    bench.command.run("verify", bench.target, "--key", bench.base / "other.pub", expect=VERIFICATION)


def test_unreachable_s3(bench: Bench) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "very secret", "AWS_REGION": "us-east-1"}
    endpoint = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    before = bench.mounts()
    done = bench.command.with_env(**bench.setup.environment, **credentials, **endpoint).run(
        *bench.arguments("--publish", "s3://bucket/prefix"), expect=STORAGE
    )
    assert "very secret" not in done.said
    assert bench.mounts() == before
    assert bench.command.leftovers() == []


# -- interruption


def stall(bench: Bench, stage: str) -> Callable[[], bool]:
    """Make a build stand still in ``stage``; return how to see that it does."""
    mirror = bench.setup.mirror
    hang = f"setsid sleep {bench.nap} &\nsleep {bench.nap}\n"
    if stage in {"resolve", "fetch"}:
        mirror.stall_on = "InRelease" if stage == "resolve" else ".deb"
        mirror.go.clear()
        return lambda: any(mirror.stall_on in path for path in mirror.asked)
    if stage == "packages":
        _hanging_package(bench, hang)
    elif stage == "configure":
        bench.setup.script(hang)
    else:
        (bench.setup.description / "images.sh").write_text(f"#!/bin/bash\n{hang}")
    return bench.hangs


def _hanging_package(bench: Bench, hang: str) -> None:
    scripts = {"postinst": f"#!/bin/sh\nset -e\n{hang}"}
    bench.setup.repo.add(build_deb(bench.base, "hello", bench.base / "hanging", version="2.0", scripts=scripts))
    bench.setup.repo.write(bench.setup.signer)


def _runs(*argv: str) -> bool:
    wanted = "\0".join(argv).encode() + b"\0"
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes() == wanted:
                return True
        except OSError:
            continue
    return False


def wait_for(condition: Callable[[], bool], child: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the build never got there"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
@pytest.mark.parametrize("stage", ["resolve", "fetch", "packages", "configure", "create"])
def test_interrupted(stage: str, number: signal.Signals, bench: Bench) -> None:
    if number is signal.SIGTERM and stage not in {"fetch", "configure"}:
        pytest.skip("the two kinds of stages are enough")
    before = bench.mounts()
    reached = stall(bench, stage)
    child = bench.start()
    wait_for(reached, child)
    # A terminal tells the whole process group; a service manager the main process alone.
    (os.killpg if number is signal.SIGINT else os.kill)(child.pid, number)
    start = time.monotonic()
    bench.setup.mirror.go.set()
    out, err = child.communicate(timeout=60)
    assert child.returncode == INTERRUPTED, (out, err)
    assert "Traceback" not in err
    assert err.count("interrupted") == 1, err
    assert time.monotonic() - start < 20
    assert not bench.hangs()
    assert bench.mounts() == before
    bench.nothing_left()


def test_killed_and_run_again(bench: Bench) -> None:
    before = bench.mounts()
    reached = stall(bench, "configure")
    child = bench.start()
    wait_for(reached, child)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=30)
    assert child.returncode == KILLED
    deadline = time.monotonic() + 20
    while bench.hangs():
        assert time.monotonic() < deadline, "the sandbox outlived its builder"
        time.sleep(0.1)
    assert bench.mounts() == before
    staging = bench.command.store / "staging"
    for entry in [*staging.iterdir(), *staging.glob("*/*")]:
        os.utime(entry, (1, 1))  # as if long ago
    for left in bench.target.parent.iterdir():
        os.utime(left, (1, 1))
    bench.setup.script("echo fine now\n")
    bench.build(expect=0)


def test_scratch_is_where_it_belongs(bench: Bench) -> None:
    """A successful build leaves nothing either, and nothing in the machine's own folder for temporary files."""
    mine = {entry.name for entry in Path(tempfile.gettempdir()).iterdir()}
    bench.build(expect=0)
    new = {entry.name for entry in Path(tempfile.gettempdir()).iterdir()} - mine
    assert not {name for name in new if "packhouse" in name and "pytest" not in name}
