# SPDX-License-Identifier: Apache-2.0
"""What an engine's last word becomes, with stand-ins for the engine that say anything."""

from __future__ import annotations

import shlex
import signal
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner import errors
from runner.engine.job import Failed, Job
from runner.engine.launch import launch
from runner.packages.lock import Lock, Solver
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan
from runner.sandbox.identity import Identity

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.PackhouseError) and cls is not errors.PackhouseError
]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(
        plan=Plan(
            image=ImageIdentity(name="i", version="1.0.0"),
            arch="x86_64",
            profiles=(),
            type=TypePlan(image="tbz"),
            packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
            description=DescriptionRef(kiwi_file="config.xml", digest=""),
        ),
        lock=Lock(
            request="",
            description="",
            arch="x86_64",
            epoch=1,
            solver=Solver(name="apt", version="2", recommends=False),
            toolchain=(),
            repositories=(),
            packages=(),
        ),
        description=tmp_path,
        boundary=tmp_path,
        git_modes=True,
        description_text="",
        store=tmp_path,
        work=tmp_path,
        timeout=30,
    )


def run(script: str, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Launch the shell script ``script`` as the engine."""
    engine = job.work / "engine"
    engine.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    engine.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(engine))
    launch(job, Identity("root", ()), on_event=lambda _event: None)


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_a_failure_is_raised_as_what_it_was(
    cls: type[errors.PackhouseError], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Failed(error=cls.__name__, what="w", where="f:1", why="y", hint="h", log_tail=("a", "b"))
    with pytest.raises(errors.PackhouseError) as caught:
        run(f"echo {shlex.quote(msgspec.json.encode(told).decode())}; exit 1", job, monkeypatch)
    error = caught.value
    assert type(error) is cls
    assert (error.what, error.where, error.why, error.hint, error.log_tail) == ("w", "f:1", "y", "h", ("a", "b"))


@pytest.mark.parametrize("end", ["exit 0", "exit 3", f"kill -{int(signal.SIGKILL)} $$"])
def test_an_engine_that_dies_is_one_error_with_its_last_lines(
    end: str, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.BuildError, match="without a result") as caught:
        run(f"echo 'not json'; {end}", job, monkeypatch)
    assert "not json" in caught.value.log_tail


def test_an_engine_that_hangs_is_ended(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.LimitError):
        run("exec sleep 60", msgspec.structs.replace(job, timeout=0.5), monkeypatch)
