# SPDX-License-Identifier: Apache-2.0
"""Keys of layers: whatever can change a tree changes its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.digest import digest_of
from runner.engine.job import Job
from runner.engine.keys import ConfiguredInputs, PackagesInputs, PartInputs, configured_key, packages_key, part_key
from runner.initrd.kept import InitrdInputs
from runner.initrd.kernel import Kernel
from runner.packages.lock import Lock, LockedPackage, Solver
from runner.plan.initrd import InitrdPlan
from runner.plan.model import ArchivePlan, DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(
    image=ImageIdentity(name="i", version="1.0.0"),
    arch="x86_64",
    profiles=(),
    type=TypePlan(image="tbz"),
    packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
    description=DescriptionRef(kiwi_file="config.xml", digest=""),
)


def job(folder: Path, **changed: Any) -> Job:
    archive = ArchivePlan(name="a.tar", phase="bootstrap", target_dir=changed.pop("target_dir", "/"))
    plan = msgspec.structs.replace(PLAN, archives=(archive,))
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


def test_parts() -> None:
    asked = (
        ("initrd", "k", "bwrap"),
        ("initrd", "k", "bwrap"),
        ("other", "k", "bwrap"),
        ("initrd", "k", "chroot"),
    )
    assert len({part_key(*words) for words in asked}) == 3


def other(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case tuple():
            return (*value, *value[:1]) if value else (("x",),)
        case msgspec.Struct():
            name = next(name for name in value.__struct_fields__ if isinstance(getattr(value, name), str))
            return msgspec.structs.replace(value, **{name: other(getattr(value, name))})
    raise AssertionError(f"no other {value!r} is known")


@pytest.mark.parametrize(
    "inputs",
    [
        PackagesInputs(
            manager="apt", version=1, arch="x86_64", epoch=1, exclude_docs=False, packages=(("a", "1"),),
            prepare=1, empty_temporary=True, between=(("a", "/", 0, "d"),), isolation="bwrap", owners=("0 0 1",),
        ),
        ConfiguredInputs(
            below="k", version=1, plan=PLAN, lock="l", description="d", text="t", git_modes=False,
            modes=(("a", 1),),
        ),
        PartInputs(name="initrd", inputs="k", isolation="bwrap", owners=("0 0 1",)),
        InitrdInputs(
            version=1, tree="t", kernel=Kernel(version="1", image="/a", initrd="/b"), epoch=1, compressor="zstd",
            plan=InitrdPlan(system="dracut"),
        ),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_every_input_counts(inputs: PackagesInputs | ConfiguredInputs | PartInputs | InitrdInputs) -> None:
    first = digest_of(inputs)
    for field in msgspec.structs.fields(inputs):
        changed = msgspec.structs.replace(inputs, **{field.name: other(getattr(inputs, field.name))})
        assert digest_of(changed) != first, field.name


@pytest.mark.parametrize("field", ["name", "version", "arch", "sha256", "phase", "reason"])
def test_every_word_of_a_locked_package_counts(field: str, folder: Path) -> None:
    package = LockedPackage(
        name="a", version="1", arch="amd64", repository="r", path="a.deb", sha256="0" * 64, size=1, source="a",
        phase="image", reason="requested",
    )  # fmt: skip
    instead = {"phase": "bootstrap", "reason": "dependency", "sha256": "1" * 64}.get(field, "other")
    keys = set()
    for each in (package, msgspec.structs.replace(package, **{field: instead})):
        made = job(folder)
        lock = msgspec.structs.replace(made.lock, packages=(each,))
        keys.add(packages_key(msgspec.structs.replace(made, lock=lock), 1, "bwrap"))
    assert len(keys) == 2
