# SPDX-License-Identifier: Apache-2.0
"""What a commit's status says of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.forges.report import context_of, one_line, report_of
from runner.service.jobs.model import JobResult
from tests.support.jobs import FAILURE, REQUEST, job_in

if TYPE_CHECKING:
    from runner.service.jobs.model import State


@pytest.mark.parametrize(
    ("state", "changes", "expected", "description"),
    [
        ("queued", {}, "queued", "Waiting"),
        ("queued", {"reason": "no worker has the label kvm"}, "queued", "Waiting: no worker has the label kvm"),
        ("running", {}, "running", "Building"),
        ("running", {"attempt": 3}, "running", "Building, attempt 3"),
        ("done", {}, "success", "Release 17 in edge"),
        ("done", {"result": JobResult(unchanged=True, number=17)}, "success", "Nothing new"),
        ("done", {"result": JobResult()}, "success", "Built"),
        ("failed", {}, "failure", "config.sh ended with exit code 1"),
        ("failed", {"error": msgspec.structs.replace(FAILURE, kind="environment")}, "error", FAILURE.what),
        ("failed", {"error": msgspec.structs.replace(FAILURE, kind="internal")}, "error", FAILURE.what),
        ("failed", {"error": None}, "error", "Failed"),
        ("cancelled", {}, "cancelled", "Cancelled: superseded by job 13"),
    ],
)
def test_each_state(state: State, changes: dict[str, Any], expected: str, description: str) -> None:
    report = report_of(job_in(state, **changes), "https://images.example/packhouse/")
    assert (report.state, report.description) == (expected, description)
    assert report.url == "https://images.example/packhouse/jobs/12"
    assert (report.commit, report.ref) == ("c" * 40, "main")
    assert report.context == "packhouse/images:server:a+b:oem:x86_64"


def test_there_is_no_link_to_nowhere() -> None:
    assert report_of(job_in("done"), "").url == ""


@pytest.mark.parametrize(
    ("ref", "short"),
    [
        ("refs/tags/v1/x", "v1/x"),
        ("refs/heads/refs/tags/v1", "refs/tags/v1"),
        ("refs/tags/refs/heads/x", "refs/heads/x"),
    ],
)
def test_a_branch_or_tag_is_named_shortly(ref: str, short: str) -> None:
    job = job_in("done", request=msgspec.structs.replace(REQUEST, ref=ref))
    assert report_of(job, "").ref == short


def test_a_description_is_one_short_line() -> None:
    error = msgspec.structs.replace(FAILURE, what="\x1b[31mit\r\nbroke\x00 " + "ß" * 500)
    text = report_of(job_in("failed", error=error), "").description
    assert text.startswith("[31mit broke ßß")
    assert len(text) == 140


def test_long_contexts_stay_apart() -> None:
    one, other = context_of("x" * 300 + "1"), context_of("x" * 300 + "2")
    assert one != other
    assert len(one) == len(other) == 255
    assert context_of("a") == "packhouse/a"


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_any_text_becomes_a_line(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert line.isprintable()
