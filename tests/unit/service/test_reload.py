# SPDX-License-Identifier: Apache-2.0
"""A configuration that is read anew while everything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import structlog
import yaml

from runner.redact import MASK
from runner.service.database.tables import WATCHES
from runner.service.serve import Runner, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.redact import Redactor


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "packhouse.yaml"


@pytest.fixture
def runner(file: Path, tmp_path: Path) -> Iterator[Runner]:
    write(file, tmp_path, "one")
    with opened(file) as made:
        made.watches.know(["one"])
        yield made


def write(file: Path, folder: Path, *repositories: str, **more: Any) -> None:
    watched = {name: {"url": f"https://git.example.org/{name}"} for name in repositories}
    file.write_text(yaml.safe_dump({"state": str(folder / "state"), "repositories": watched, **more}))


def reloaded(runner: Runner) -> list[Any]:
    with structlog.testing.capture_logs() as logs:
        runner.reload()
    return list(logs)


def test_what_counts_at_the_next_start_stays_as_it_was_until_then(
    runner: Runner, file: Path, tmp_path: Path
) -> None:
    state, listen = runner.settings.state, runner.settings.config.listen
    write(file, tmp_path / "other", "one", "two", listen="127.0.0.1:1", public_url="https://new.example.org")
    for added in (["two"], []):
        told, warned = reloaded(runner)
        assert (told["added"], told["removed"]) == (added, [])
        assert warned["keys"] == ["state", "listen"]
        assert (runner.settings.state, runner.settings.config.listen) == (state, listen)
    assert runner.settings.config.public_url == "https://new.example.org"
    assert set(runner.watches.due(9)) == {"one", "two"}
    write(file, tmp_path, "two")
    (told,) = reloaded(runner)
    assert (told["added"], told["removed"]) == ([], ["one"])
    assert runner.watches.due(9) == ("two",)


def test_what_the_log_hides_is_read_anew_too(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "canary-old")
    monkeypatch.setenv("NEW", "canary-new")
    kept: list[Redactor] = []
    write(file, tmp_path, secrets={"a": {"env": "OLD"}})
    with opened(file, kept.append) as runner:
        write(file, tmp_path, secrets={"a": {"env": "OLD"}, "b": {"env": "NEW"}})
        reloaded(runner)
    before, after = (redact("canary-old canary-new") for redact in kept)
    assert (before, after) == (f"{MASK} canary-new", f"{MASK} {MASK}")


@pytest.mark.parametrize("text", ["repositories: {one: {}}", "listen: [", "\x00"])
def test_a_wrong_configuration_is_told_of_and_changes_nothing(runner: Runner, file: Path, text: str) -> None:
    before = runner.settings.config
    file.write_text(text)
    (told,) = reloaded(runner)
    assert told["log_level"] == "warning"
    assert str(file) in told["error"]
    assert runner.settings.config == before


def test_a_database_that_is_away_does_not_end_the_runner(runner: Runner, file: Path, tmp_path: Path) -> None:
    before = runner.settings.config
    write(file, tmp_path, "one", "two")
    with runner.engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE {WATCHES.name} RENAME TO away"))
    (told,) = reloaded(runner)
    assert told["error"] == "the database does not answer"
    assert runner.settings.config == before, "or what is new would never be looked at"
    with runner.engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE away RENAME TO {WATCHES.name}"))
    (told,) = reloaded(runner)
    assert told["added"] == ["two"]
