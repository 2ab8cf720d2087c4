# SPDX-License-Identifier: Apache-2.0
"""The lock file: round trips, one package a line, obeyed or refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ResolveError
from runner.packages import lockfile
from runner.packages.lock import LOCK_FILE, Lock, LockedPackage, LockedRepository, Solver, Tool
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PACKAGES = st.builds(
    LockedPackage,
    name=TEXT,
    version=TEXT,
    arch=TEXT,
    repository=TEXT,
    path=st.from_regex(r"[a-z0-9+_~-]{1,8}(/[a-z0-9+._~-]{3,8})?", fullmatch=True),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    size=st.integers(0, 2**53),
    source=TEXT,
    phase=st.sampled_from(["bootstrap", "image"]),
    reason=st.sampled_from(["essential", "requested", "dependency"]),
)
LOCKS = st.builds(
    Lock,
    request=TEXT,
    description=TEXT,
    arch=TEXT,
    epoch=st.integers(0, 2**40),
    solver=st.builds(Solver, name=TEXT, version=TEXT, recommends=st.booleans()),
    toolchain=st.lists(st.builds(Tool, name=TEXT, version=TEXT, digest=TEXT), max_size=2).map(tuple),
    repositories=st.lists(
        st.builds(
            LockedRepository,
            id=TEXT,
            uri=TEXT,
            distribution=TEXT,
            components=st.lists(TEXT, max_size=2).map(tuple),
            index=TEXT,
            date=TEXT,
            keys=st.lists(TEXT, max_size=2).map(tuple),
            verified=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    packages=st.lists(PACKAGES, max_size=3).map(tuple),
)


@given(st.lists(LOCKS, max_size=3).map(tuple))
def test_print_then_parse_is_the_identity(locks: tuple[Lock, ...]) -> None:
    file = lockfile.LockFile(locks=locks)
    text = lockfile.render(file)
    assert lockfile.parse(text) == file
    assert lockfile.render(lockfile.parse(text)) == text


@given(LOCKS)
def test_each_package_has_a_line_of_its_own(lock: Lock) -> None:
    lines = lockfile.render(lockfile.LockFile(locks=(lock,))).decode().split("\n")
    packages = [line for line in lines if line.lstrip().startswith('{"arch"') and '"sha256"' in line]
    assert len(packages) == len(lock.packages)
    for line in packages:
        json.loads(line.rstrip(","))


def lock(request: str, version: str = "1") -> Lock:
    package = LockedPackage(
        name="a",
        version=version,
        arch="all",
        repository="r",
        path="a.deb",
        sha256="0" * 64,
        size=1,
        source="a",
        phase="image",
        reason="requested",
    )
    return Lock(
        request=request,
        description="",
        arch="x86_64",
        epoch=1,
        solver=Solver(name="apt", version="2", recommends=False),
        toolchain=(),
        repositories=(),
        packages=(package,),
    )


def plan() -> Plan:
    return Plan(
        image=ImageIdentity(name="i", version="1.0.0"),
        arch="x86_64",
        profiles=(),
        type=TypePlan(image="tbz"),
        packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
        description=DescriptionRef(kiwi_file="config.xml", digest=""),
    )


def test_a_lock_replaces_the_one_of_its_request_only() -> None:
    file = lockfile.LockFile().with_lock(lock("one")).with_lock(lock("two")).with_lock(lock("one", "2"))
    assert [(each.request, each.packages[0].version) for each in file.locks] == [("one", "2"), ("two", "1")]
    assert [each.request for each in file.only(["two"]).locks] == ["two"]


def test_no_lock_file_means_no_lock(tmp_path: Path) -> None:
    assert lockfile.lock_of_plan(tmp_path, plan()) is None


def test_a_lock_that_does_not_answer_the_plan_stops_the_build(tmp_path: Path) -> None:
    lockfile.write(tmp_path, lockfile.LockFile(locks=(lock("other"),)))
    with pytest.raises(ResolveError) as caught:
        lockfile.lock_of_plan(tmp_path, plan())
    assert "--update" in (caught.value.hint or "")


def test_the_committed_lock_is_found(tmp_path: Path) -> None:
    wanted = plan()
    made = lock(wanted.packages.digest)
    lockfile.write(tmp_path, lockfile.LockFile(locks=(made,)))
    assert lockfile.lock_of_plan(tmp_path, wanted) == made
    assert [path.name for path in tmp_path.iterdir()] == [LOCK_FILE]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", "/etc/hostname"),
        ("sha256", "../../x"),
        ("sha256", "0" * 63),
        ("sha256", "0" * 64 + "\n"),
        ("path", "/etc/shadow"),
        ("path", "../x"),
        ("path", "pool/../../x"),
        ("path", "pool/.."),
        ("path", ""),
        ("path", "a\nb"),
        ("size", -1),
    ],
)
def test_a_lock_cannot_name_files_of_the_machine(field: str, value: object) -> None:
    text = json.loads(lockfile.render(lockfile.LockFile(locks=(lock("one"),))))
    text["locks"][0]["packages"][0][field] = value
    with pytest.raises(ResolveError):
        lockfile.parse(json.dumps(text).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"schema": "urn:packhouse:schema:lock:v1", "locks": [{}]}',
        '{"schema": "urn:packhouse:schema:lock:v1", "locks": [], "extra": 1}',
        '{"schema": "urn:packhouse:schema:lock:v9", "locks": []}',
    ],
)
def test_what_is_no_lock_file_is_one_clear_error(text: str) -> None:
    with pytest.raises(ResolveError) as caught:
        lockfile.parse(text.encode(), where="x.json")
    assert caught.value.hint
