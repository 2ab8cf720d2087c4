# SPDX-License-Identifier: Apache-2.0
"""Letters that wait to be sent, in the database; any number of processes may send."""

from __future__ import annotations

import hashlib
import random
import uuid
from typing import TYPE_CHECKING, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from runner.service.database.tables import OUTBOX, PAUSES

if TYPE_CHECKING:
    from runner.service.outbox.errors import TryLaterError

Kind = Literal["status", "notice", "change"]

LEASE = 120.0
"""Seconds for which who claimed a letter has it alone; sending it must take less."""

GIVE_UP = 3 * 86400.0
"""Seconds after which a letter that could not be sent is given up."""

_FIRST_WAIT = 5.0
_LONGEST_WAIT = 3600.0
_LONGEST_SUBJECT = 300


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    Attributes:
        target: name of the repository or notification in the configuration; addresses and secrets are looked up
            there when it is sent.
        subject: what it is about; a newer letter about it takes the place of one not sent yet.
        body: JSON text.
    """

    kind: Kind
    target: str
    subject: str
    body: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that is ours to send until ``held_until``."""

    id: int
    letter: Letter
    version: str
    attempts: int
    created_at: float
    held_until: float


def put(connection: sa.Connection, letter: Letter, now: float) -> None:
    """Add a letter within the transaction of what it tells of; it takes the place of an older one as if new.

    Somebody who sends the older one just then goes on, and the new one is sent after that. A pause that the target
    asked for counts for both.
    """
    rest = sa.select(PAUSES.c.until).where(PAUSES.c.kind == letter.kind, PAUSES.c.target == letter.target)
    fresh = {
        "body": letter.body,
        "version": uuid.uuid4().hex,
        "created_at": now,
        "due_at": max(now, connection.execute(rest).scalar() or 0.0),
        "attempts": 0,
        "error": "",
    }
    insert = _insert(connection, OUTBOX).values(
        kind=letter.kind, target=letter.target, subject=_short(letter.subject), held_until=0.0, **fresh
    )
    connection.execute(insert.on_conflict_do_update(index_elements=["kind", "target", "subject"], set_=fresh))


class Outbox:
    """The words of those who send; each is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def claim(self, now: float) -> Claim | None:
        """Take the letter that is due longest; None when none is."""
        due = (OUTBOX.c.due_at <= now, OUTBOX.c.held_until <= now)
        first = sa.select(OUTBOX.c.id).where(*due).order_by(OUTBOX.c.due_at, OUTBOX.c.id).limit(1)
        with self._engine.begin() as connection:
            taken = connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.id == first.with_for_update(skip_locked=True).scalar_subquery(), *due)
                .values(held_until=now + LEASE)
                .returning(OUTBOX)
            )
            row = taken.mappings().first()
        return None if row is None else _claim(row)

    def sent(self, claim: Claim) -> None:
        """Forget a letter that was sent; a newer one that came meanwhile stays, and may go now."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.id == claim.id, OUTBOX.c.version == claim.version))
            connection.execute(_release(claim))

    def refused(self, claim: Claim) -> None:
        """Forget a letter that nobody will ever take."""
        self.sent(claim)

    def take_over(self) -> None:
        """End the leases of those who sent before and died: for whoever knows that nobody else sends now."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(OUTBOX).where(OUTBOX.c.held_until > 0).values(held_until=0.0))

    def failed(self, claim: Claim, error: TryLaterError, now: float) -> bool:
        """Keep a letter for later; False when it is too old and was given up.

        Where the target as a whole does not answer or asked for a pause, its other letters wait as long; in a
        pause also those that come.
        """
        if now - claim.created_at >= GIVE_UP:
            self.sent(claim)
            return False
        due = now + max(error.after, back_off(claim.attempts))
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.id == claim.id, OUTBOX.c.version == claim.version)
                .values(attempts=claim.attempts + 1, due_at=due, error=error.what)
            )
            connection.execute(_release(claim))
        if error.everything:
            self._hold_back(claim.letter, due, until=now + error.after if error.after else 0.0)
        return True

    def _hold_back(self, like: Letter, due: float, *, until: float) -> None:
        with self._engine.begin() as connection:
            if until:
                pause = _insert(connection, PAUSES).values(kind=like.kind, target=like.target, until=until)
                connection.execute(
                    pause.on_conflict_do_update(index_elements=["kind", "target"], set_={"until": until})
                )
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.kind == like.kind, OUTBOX.c.target == like.target, OUTBOX.c.due_at < due)
                .values(due_at=due)
            )

    def pending(self) -> int:
        """Return how many letters wait."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(OUTBOX)).scalar_one()


def back_off(attempts: int) -> float:
    """Return seconds to wait after so many failures before: twice as long each time, up to an hour.

    Somewhere in the upper half of that, so that not all letters that failed together come back together.
    """
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempts, 30))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _release(claim: Claim) -> sa.Update:
    """End a lease, unless it ran out and another has one."""
    mine = (OUTBOX.c.id == claim.id, OUTBOX.c.held_until == claim.held_until)
    return sa.update(OUTBOX).where(*mine).values(held_until=0.0)


def _insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Both know ON CONFLICT; SQLAlchemy has no common word for it."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _short(subject: str) -> str:
    if len(subject) <= _LONGEST_SUBJECT:
        return subject
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return subject[: _LONGEST_SUBJECT - len(digest) - 1] + "~" + digest


def _claim(row: sa.RowMapping) -> Claim:
    letter = Letter(kind=row["kind"], target=row["target"], subject=row["subject"], body=row["body"])
    return Claim(
        id=row["id"],
        letter=letter,
        version=row["version"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        held_until=row["held_until"],
    )
