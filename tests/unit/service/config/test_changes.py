# SPDX-License-Identifier: Apache-2.0
"""What a file that was read anew changes."""

from __future__ import annotations

from runner.service.config.changes import Changes, changed
from runner.service.config.model import Limits, Repository, Retention, ServiceConfig, Watch, Worker


def repository(**more: int) -> Repository:
    return Repository(url="https://h/x", **more)  # type: ignore[arg-type]  # priority


def test_nothing_changes_nothing() -> None:
    assert changed(ServiceConfig(), ServiceConfig()) == Changes()


def test_repositories_come_go_and_change() -> None:
    old = ServiceConfig(repositories={"a": repository(), "b": repository(), "c": repository()})
    new = ServiceConfig(repositories={"d": repository(), "c": repository(), "a": repository(priority=1)})
    assert changed(old, new) == Changes(added=("d",), removed=("b",), changed=("a",))


def test_what_counts_at_once_and_what_after_a_restart() -> None:
    new = ServiceConfig(
        listen="h:1", worker=Worker(builds=2), limits=Limits(memory=1), retention=Retention(jobs=1)
    )
    assert changed(ServiceConfig(), new) == Changes(restart=("listen", "worker"))
    assert changed(ServiceConfig(), ServiceConfig(watch=Watch(looks=9))) == Changes(restart=("watch",))
