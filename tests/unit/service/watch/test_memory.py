# SPDX-License-Identifier: Apache-2.0
"""What is known of watched repositories, in a database of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.watch.memory import WatchMemory

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_more_may_go_than_a_database_takes_in_a_list(engine: Engine) -> None:
    memory = WatchMemory(engine)
    memory.know([f"r{number}" for number in range(66_000)])
    memory.moved("r1", "refs/heads/main", "c" * 40, ())
    memory.moved("stays", "refs/heads/main", "c" * 40, ())
    memory.know(["new", "stays"])
    assert [record.repository for record in memory.records()] == ["new", "stays"]
    assert memory.all_refs() == {"stays": {"refs/heads/main": "c" * 40}}
