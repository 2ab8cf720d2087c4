# SPDX-License-Identifier: Apache-2.0
"""Keys of layers: whatever can change a tree changes its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.engine.job import Job
from runner.engine.keys import configured_key, packages_key
from runner.packages.lock import Lock, Solver
from runner.plan.model import ArchivePlan, DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan

if TYPE_CHECKING:
    from pathlib import Path


def job(folder: Path, **changed: Any) -> Job:
    plan = Plan(
        image=ImageIdentity(name="i", version="1.0.0"),
        arch="x86_64",
        profiles=(),
        type=TypePlan(image="tbz"),
        packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
        archives=(ArchivePlan(name="a.tar", phase="bootstrap", target_dir=changed.pop("target_dir", "/")),),
        description=DescriptionRef(kiwi_file="config.xml", digest=""),
    )
    solver = Solver(name="apt", version="2", recommends=False)
    lock = Lock(
        request="",
        description="",
        arch="x86_64",
        epoch=1,
        solver=solver,
        toolchain=(),
        repositories=(),
        packages=(),
    )
    made = Job(
        plan=plan,
        lock=lock,
        description=folder,
        boundary=folder,
        git_modes=True,
        description_text="",
        store=folder,
        work=folder,
    )
    return msgspec.structs.replace(made, **changed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.tar").write_bytes(b"archive")
    (tmp_path / "post_bootstrap.sh").write_text("#!/bin/sh\n")
    return tmp_path


def test_packages(folder: Path) -> None:
    first = packages_key(job(folder), 1, "bwrap")
    assert packages_key(job(folder), 1, "bwrap") == first
    keys = {first, packages_key(job(folder), 2, "bwrap"), packages_key(job(folder), 1, "chroot")}
    keys.add(packages_key(job(folder, target_dir="/opt"), 1, "bwrap"))
    (folder / "post_bootstrap.sh").chmod(0o755)
    keys.add(packages_key(job(folder), 1, "bwrap"))
    (folder / "a.tar").write_bytes(b"other")
    keys.add(packages_key(job(folder), 1, "bwrap"))
    assert len(keys) == 6


def test_configured(folder: Path) -> None:
    keys = {configured_key(job(folder), "below"), configured_key(job(folder), "other")}
    keys.add(configured_key(job(folder, description_text="x"), "below"))
    keys.add(configured_key(job(folder, git_modes=False), "below"))
    (folder / "a.tar").chmod(0o600)
    keys.add(configured_key(job(folder, git_modes=False), "below"))
    assert len(keys) == 5
