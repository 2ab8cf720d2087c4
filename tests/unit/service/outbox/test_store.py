# SPDX-License-Identifier: Apache-2.0
"""Letters wait in a database, of either kind, until somebody sent them; nobody sends one twice at a time."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from runner.service.database.connect import open_database
from runner.service.database.tables import OUTBOX
from runner.service.outbox.errors import TryLaterError
from runner.service.outbox.store import GIVE_UP, LEASE, Letter, Outbox, back_off, put

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = 1_800_000_000.0
LETTER = Letter(kind="status", target="images", subject="c0ffee packhouse/a", body='{"state":"pending"}')
LATER = TryLaterError("the forge answered 500")


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    return Outbox(engine)


def write(engine: Engine, *letters: Letter, now: float = NOW) -> None:
    with engine.begin() as connection:
        for letter in letters:
            put(connection, letter, now)


def changed(**changes: str) -> Letter:
    return msgspec.structs.replace(LETTER, **changes)


def test_a_letter_is_claimed_sent_and_forgotten(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    assert outbox.pending() == 1
    claim = outbox.claim(NOW)
    assert claim is not None
    assert (claim.letter, claim.attempts) == (LETTER, 0)
    assert outbox.claim(NOW) is None
    outbox.sent(claim)
    assert outbox.pending() == 0


def test_the_newest_about_a_subject_counts(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    claim = outbox.claim(NOW)
    assert claim is not None
    outbox.failed(claim, LATER, NOW)
    newer = changed(body='{"state":"success"}')
    write(engine, newer, changed(subject="other"), changed(target="other"), now=NOW + 1)
    assert outbox.pending() == 3
    claim = outbox.claim(NOW + 1)
    assert claim is not None
    assert (claim.letter, claim.attempts, claim.created_at) == (newer, 0, NOW + 1)


def test_what_comes_while_an_older_one_is_sent_is_sent_after_it(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    claim = outbox.claim(NOW)
    assert claim is not None
    newer = changed(body='{"state":"success"}')
    write(engine, newer, now=NOW + 1)
    assert outbox.claim(NOW + 2) is None, "two about one subject at once would arrive in any order"
    outbox.sent(claim)
    after = outbox.claim(NOW + 2)
    assert after is not None
    assert after.letter == newer


def test_a_failure_does_not_delay_what_came_meanwhile(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    claim = outbox.claim(NOW)
    assert claim is not None
    write(engine, changed(body="new"), now=NOW + 1)
    outbox.failed(claim, LATER, NOW + 1)
    after = outbox.claim(NOW + 1)
    assert after is not None
    assert (after.letter.body, after.attempts) == ("new", 0)


def test_a_sender_that_died_loses_its_claim(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    dead = outbox.claim(NOW)
    assert outbox.claim(NOW + LEASE - 1) is None
    other = outbox.claim(NOW + LEASE)
    assert dead is not None
    assert other is not None
    outbox.failed(dead, LATER, NOW + LEASE)  # it was only slow, and its word ends no lease of another
    assert outbox.claim(NOW + LEASE + 1) is None
    outbox.sent(dead)
    assert outbox.pending() == 0, "what was sent late was sent"


def test_who_is_alone_need_not_wait_for_the_dead(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER, changed(subject="later"))
    dead = outbox.claim(NOW)
    assert dead is not None
    outbox.failed(dead, LATER, NOW)
    assert outbox.claim(NOW) is not None
    outbox.take_over()
    taken = outbox.claim(NOW)
    assert taken is not None
    assert taken.letter.subject == "later"
    assert outbox.claim(NOW) is None, "what is to wait still waits"


def test_failures_wait_longer_and_longer(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    now, waits = NOW, []
    for attempt in range(12):
        claim = outbox.claim(now)
        assert claim is not None
        assert claim.attempts == attempt
        assert outbox.failed(claim, LATER, now)
        with engine.connect() as connection:
            row = connection.execute(sa.select(OUTBOX)).mappings().one()
        assert row["error"] == "the forge answered 500"
        assert outbox.claim(row["due_at"] - 0.1) is None
        waits.append(row["due_at"] - now)
        now = row["due_at"]
    assert 2.5 <= waits[0] <= 5
    assert 1800 <= waits[-1] <= 3600
    assert sum(waits) < GIVE_UP


def test_a_pause_that_was_asked_for_is_kept_by_all_to_the_same_target(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER, changed(subject="second"), changed(target="other"))
    claim = outbox.claim(NOW)
    assert claim is not None
    outbox.failed(claim, TryLaterError("429", after=500.0, everything=True), NOW)
    other = outbox.claim(NOW + 1)
    assert other is not None
    assert other.letter.target == "other"
    outbox.sent(other)
    assert outbox.claim(NOW + 499) is None
    assert outbox.claim(NOW + 500) is not None
    assert outbox.claim(NOW + 500) is not None


def test_a_pause_that_was_asked_for_is_kept_by_what_comes_meanwhile(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    for start, after in ((NOW, 500.0), (NOW + 600, 50.0)):
        claim = outbox.claim(start)
        assert claim is not None
        outbox.failed(claim, TryLaterError("429", after=after, everything=True), start)
        write(engine, changed(body="newer"), changed(subject="second"), now=start + 1)
        assert outbox.claim(start + after - 1) is None
        assert {outbox.claim(start + after) is None for _ in range(2)} == {False}
        outbox.take_over()
    write(engine, changed(kind="notice"), changed(target="other"), changed(subject="third"), now=NOW + 651)
    with engine.connect() as connection:
        found = connection.execute(sa.select(OUTBOX.c.due_at).order_by(OUTBOX.c.id.desc()).limit(3)).scalars()
        assert set(found) == {NOW + 651}, "it is over, and was nobody else's"


def test_what_comes_is_tried_though_nobody_answered_before(engine: Engine, outbox: Outbox) -> None:
    """The server may be back, and nobody asked to be left alone."""
    write(engine, LETTER)
    claim = outbox.claim(NOW)
    assert claim is not None
    outbox.failed(claim, TryLaterError("cannot be reached", everything=True), NOW)
    write(engine, changed(subject="second"), now=NOW + 1)
    assert outbox.claim(NOW + 1) is not None


def test_a_letter_is_given_up_after_days(engine: Engine, outbox: Outbox) -> None:
    write(engine, LETTER)
    claim = outbox.claim(NOW + GIVE_UP - 1)
    assert claim is not None
    assert outbox.failed(claim, LATER, NOW + GIVE_UP - 1)
    claim = outbox.claim(NOW + GIVE_UP + 10)
    assert claim is not None
    assert not outbox.failed(claim, LATER, NOW + GIVE_UP + 10)
    assert outbox.pending() == 0


def test_what_is_rolled_back_is_not_sent(engine: Engine, outbox: Outbox) -> None:
    with engine.connect() as connection:
        put(connection, LETTER, NOW)
        connection.rollback()
    assert outbox.pending() == 0


def test_long_subjects_stay_apart(engine: Engine, outbox: Outbox) -> None:
    write(engine, *(changed(subject="x" * 400 + end) for end in "122"))
    assert outbox.pending() == 2


def test_waits_differ() -> None:
    assert len({back_off(3) for _ in range(20)}) > 10
    assert all(20 <= back_off(3) <= 40 for _ in range(100))
    assert back_off(10_000) <= 3600


def test_many_threads_put_at_once(engine: Engine, outbox: Outbox) -> None:
    letters = [changed(subject=str(number % 3), body=str(number)) for number in range(30)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda letter: write(engine, letter), letters))
    assert outbox.pending() == 3


def test_many_processes_send_each_letter_once(engine: Engine, database: str) -> None:
    letters = [changed(subject=str(number)) for number in range(60)]
    write(engine, *letters)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        taken = [subject for batch in pool.map(drain, [database] * 2) for subject in batch]
    assert sorted(taken, key=int) == [letter.subject for letter in letters]


def drain(database: str) -> list[str]:
    """Send everything, as a worker would that is one of several."""
    engine = open_database(database)
    outbox, taken = Outbox(engine), []
    while (claim := outbox.claim(NOW)) is not None:
        time.sleep(0.005)
        taken.append(claim.letter.subject)
        outbox.sent(claim)
    engine.dispose()
    return taken
