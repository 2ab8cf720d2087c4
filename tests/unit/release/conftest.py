# SPDX-License-Identifier: Apache-2.0
"""A small signed release, made by the real code from real values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import pytest

from runner.create.image import Image, ResultFile
from runner.digest import canonical_json
from runner.packages.lock import Lock, LockedPackage, LockedRepository, Solver, Tool
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan
from runner.release import inputs as release_inputs
from runner.release import keys
from runner.release.assemble import make_release
from runner.release.buildkey import BuildKey
from runner.release.inputs import BootRecord, BuildFacts, Release, ReleaseInputs
from runner.release.manifest import BootStage, BootTested
from runner.release.sign import load_signer
from runner.sources.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = b"not really a squashfs" * 50
PACKAGES = b"base-files|(none)|12|(none)|amd64|deb|GPL-2+\n"
RESULT = b'{"container": {"filename": "x"}}\n'
TOOLS = (Tool(name="mksquashfs", version="4.5.1", digest="d" * 64),)


@dataclass(frozen=True, slots=True)
class Sample:
    directory: Path
    key: keys.KeyPair
    inputs: ReleaseInputs
    release: Release


class MakeSample(Protocol):
    def __call__(self, name: str = ..., *, version: str = ..., signed: bool = ...) -> Sample: ...


def _plan(version: str) -> Plan:
    return Plan(
        image=ImageIdentity(name="tiny", version=version),
        arch="x86_64",
        profiles=("Slim", "Test"),
        type=TypePlan(image="squashfs"),
        packages=PackageRequest(manager="apt", arch="amd64", repositories=()),
        description=DescriptionRef(kiwi_file="appliance.kiwi", digest="a" * 64),
    )


def _lock() -> Lock:
    repositories = (
        LockedRepository(
            id="debian",
            uri="mirror://debian",
            distribution="bookworm",
            components=("main",),
            index="b" * 64,
            date="2026-01-02T03:04:05Z",
            keys=("F" * 40,),
            verified=True,
        ),
        LockedRepository(
            id="own",
            uri="https://user:hunter2secret@repo.example.org/apt?token=hunter3secret",
            distribution="",
            components=(),
            index="c" * 64,
            date="",
            keys=(),
            verified=False,
        ),
    )
    package = LockedPackage(
        name="base-files",
        version="12",
        arch="amd64",
        repository="debian",
        path="pool/b.deb",
        sha256="e" * 64,
        size=1,
        source="base-files",
        phase="bootstrap",
        reason="essential",
    )
    return Lock(
        request="1" * 64,
        description="a" * 64,
        arch="amd64",
        epoch=1_763_900_000,
        solver=Solver(name="apt", version="2.6.1", recommends=False),
        toolchain=TOOLS,
        repositories=repositories,
        packages=(package,),
    )


def _results(directory: Path, stem: str) -> tuple[ResultFile, ...]:
    (directory / "kiwi.result.json").write_bytes(RESULT)
    files = ((f"{stem}.squashfs", "filesystem_image", IMAGE), (f"{stem}.packages", "packages", PACKAGES))
    for name, _, data in files:
        (directory / name).write_bytes(data)
    return tuple(
        ResultFile(
            name=name,
            role=role,
            media_type="application/octet-stream",
            sha256=sha256(data).hexdigest(),
            size=len(data),
            uncompressed_sha256=sha256(data).hexdigest() if role == "filesystem_image" else None,
            uncompressed_size=len(data) if role == "filesystem_image" else None,
        )
        for name, role, data in files
    )


def _facts(plan: Plan, lock: Lock, build_id: str) -> BuildFacts:
    key = BuildKey(
        tree="2" * 40,
        plan=plan.digest,
        lock=lock.digest,
        builder=release_inputs.SELF_HOSTED,
        version="0.1.0",
        toolchain=TOOLS,
    )
    started = datetime(2026, 11, 23, 21, 30, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    return BuildFacts(
        build_id=build_id,
        build_key=key.digest,
        started=started,
        finished=datetime(2026, 11, 23, 20, 31, tzinfo=UTC),
        isolation="bwrap",
        identity="subuid",
        runner_version="0.1.0",
        toolchain=TOOLS,
        skipped_checks=("unsigned-repositories",),
        exceptions=("btrfs",),
    )


def make_inputs(directory: Path, *, version: str = "1.0.0") -> ReleaseInputs:
    directory.mkdir()
    plan, lock = _plan(version), _lock()
    log = directory.parent / f"{directory.name}.log"
    log.write_text("--- prepare\nall is well\n")
    boot_log = directory.parent / f"{directory.name}.boot.log"
    boot_log.write_text("tiny login: \n")
    tested = BootTested(
        firmware="bios",
        accelerator="kvm",
        result="passed",
        timeline=(BootStage(stage="firmware", milliseconds=0), BootStage(stage="login", milliseconds=8125)),
        script="5" * 64,
    )
    return ReleaseInputs(
        plan=plan,
        lock=lock,
        lock_file=canonical_json([lock]),
        checkout=Checkout(
            url="https://bot:hunter4secret@forge.example.org/o/r.git",
            ref="main",
            resolved_ref="refs/heads/main",
            commit="3" * 40,
            tree="2" * 40,
            commit_time=1_763_900_000,
            dirty=False,
            work_tree=directory,
            subdir="images/tiny",
        ),
        image=Image(key="4" * 64, files=_results(directory, plan.stem)),
        facts=_facts(plan, lock, f"build-{directory.name}"),
        log=log,
        boot=BootRecord(tests=(tested,), log=boot_log),
    )


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.KeyPair:
    return keys.generate(tmp_path_factory.mktemp("keys") / "release")


@pytest.fixture
def make_sample(tmp_path: Path, key: keys.KeyPair) -> MakeSample:
    def make(name: str = "out", *, version: str = "1.0.0", signed: bool = True) -> Sample:
        directory = tmp_path / name
        inputs = make_inputs(directory, version=version)
        release = make_release(inputs, directory, load_signer(key.private) if signed else None)
        return Sample(directory, key, inputs, release)

    return make


@pytest.fixture
def sample(make_sample: MakeSample) -> Sample:
    return make_sample()


@pytest.fixture
def raw_inputs(tmp_path: Path) -> ReleaseInputs:
    """Inputs whose result files lie in ``tmp_path / "raw"``, no release made yet."""
    return make_inputs(tmp_path / "raw")
