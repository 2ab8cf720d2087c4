# SPDX-License-Identifier: Apache-2.0
"""Schedules are looked at one by one: what ails one repository is its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from runner.service.serve import opened

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
state: {folder}/state
secrets:
  gone: {{file: {folder}/gone}}
repositories:
  first: {{url: "file://{folder}/first", environment: {{TOKEN: gone}}, schedules: [{{nightly: true}}]}}
  second: {{url: "file://{folder}/second", schedules: [{{nightly: true}}]}}
"""


def test_one_missing_secret_stops_the_schedules_of_its_repository_only(tmp_path: Path) -> None:
    path = tmp_path / "packhouse.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    (secret := tmp_path / "gone").write_text("hunter2")
    with opened(path) as runner:
        runner.scheduler.once(time.time())
        secret.unlink()
        for record in runner.schedules.all():
            runner.schedules.keep(msgspec.structs.replace(record, due_at=time.time() - 1))
        runner.scheduler.once(time.time())
        notes = {record.repository: record.note for record in runner.schedules.all()}
    assert "gone" in notes["first"]
    assert "no git repository" in notes["second"]
