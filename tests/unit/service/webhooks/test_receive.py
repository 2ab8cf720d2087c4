# SPDX-License-Identifier: Apache-2.0
"""A verified call hastens a look, once; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from runner.service.database.tables import DELIVERIES, WATCHES
from runner.service.webhooks.call import Hint
from runner.service.webhooks.receive import REMEMBERED, receive

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = 1_800_000_000.0
HINT = Hint(
    event="push", urls=("https://forge.example/a/b",), ref="refs/heads/main", delivery="d", once=("d", "sha256:1")
)


@pytest.fixture(autouse=True)
def watched(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("images", "other"):
            connection.execute(sa.insert(WATCHES).values(repository=name, due_at=NOW + 300))


def due(engine: Engine, repository: str = "images") -> float:
    with engine.connect() as connection:
        query = sa.select(WATCHES.c.due_at).where(WATCHES.c.repository == repository)
        return float(connection.execute(query).scalar_one())


def calm(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(WATCHES).values(due_at=NOW + 300))


def test_a_push_hastens_its_repository_only(engine: Engine) -> None:
    assert receive(engine, "images", HINT, NOW) == "hastened"
    assert due(engine) == 0
    assert due(engine, "other") == NOW + 300


@pytest.mark.parametrize(
    "replay",
    [
        HINT,
        msgspec.structs.replace(HINT, delivery="made up", once=("made up", "sha256:1")),
        msgspec.structs.replace(HINT, ref="refs/heads/x", once=("d", "sha256:2")),
    ],
    ids=["same", "other id, same body", "same id, other body"],
)
def test_a_replay_does_nothing(engine: Engine, replay: Hint) -> None:
    receive(engine, "images", HINT, NOW)
    calm(engine)
    assert receive(engine, "images", replay, NOW + 1) == "replayed"
    assert due(engine) == NOW + 300


def test_ids_are_those_of_one_repository(engine: Engine) -> None:
    assert receive(engine, "images", HINT, NOW) == "hastened"
    assert receive(engine, "other", HINT, NOW) == "hastened"


def test_calls_are_forgotten_after_a_week(engine: Engine) -> None:
    receive(engine, "images", HINT, NOW)
    assert receive(engine, "images", HINT, NOW + REMEMBERED - 1) == "replayed"
    assert receive(engine, "images", HINT, NOW + REMEMBERED + 1) == "hastened"
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(DELIVERIES)).all()) == 2


def test_pings_and_other_events_hasten_nothing(engine: Engine) -> None:
    assert receive(engine, "images", msgspec.structs.replace(HINT, event="ping"), NOW) == "pong"
    assert receive(engine, "images", msgspec.structs.replace(HINT, event="other"), NOW) == "ignored"
    assert due(engine) == NOW + 300


def test_of_many_at_once_one_counts(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: receive(engine, "images", HINT, NOW), range(24)))
    assert sorted(verdicts) == ["hastened"] + ["replayed"] * 23
