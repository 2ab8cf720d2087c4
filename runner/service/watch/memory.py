# SPDX-License-Identifier: Apache-2.0
"""What was seen of watched repositories: when they were looked at, where refs were, what is described there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.config.model import OwnFile
from runner.service.database.conditions import among
from runner.service.database.tables import DESCRIPTIONS, PUSHED, REFS, WATCHES
from runner.service.jobs.model import ImageKey
from runner.service.steps.order import ScannedDescription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import Engine


class WatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How the last look at a repository went; ``error`` is empty after a good one."""

    repository: str
    polled_at: float | None = None
    due_at: float = 0.0
    failures: int = 0
    error: str = ""
    default_branch: str = ""


_RECORD = [WATCHES.c[name] for name in WatchRecord.__struct_fields__]


class WatchMemory:
    """The tables of watches, refs and descriptions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def know(self, repositories: Collection[str]) -> None:
        """Remember new ``repositories``, due at once, and forget what is watched no more."""
        with self._engine.begin() as connection:
            there = set(connection.execute(sa.select(WATCHES.c.repository)).scalars())
            new = [{"repository": name, "due_at": 0.0} for name in sorted(set(repositories) - there)]
            gone = [{"of": name} for name in there - set(repositories)]
            if new:
                connection.execute(sa.insert(WATCHES), new)
            for table in (WATCHES, REFS, PUSHED, DESCRIPTIONS) if gone else ():
                # one by one: no database takes a list as long as a configuration may be
                connection.execute(sa.delete(table).where(table.c.repository == sa.bindparam("of")), gone)

    def due(self, limit: int, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """Return the repositories that are to be looked at now, those that wait longest first, ``but`` those."""
        query = sa.select(WATCHES.c.repository).where(
            WATCHES.c.due_at <= time.time(), WATCHES.c.repository.not_in(but)
        )
        with self._engine.connect() as connection:
            return tuple(connection.execute(query.order_by(WATCHES.c.due_at).limit(limit)).scalars())

    def hasten(self, repository: str) -> bool:
        """Have ``repository`` looked at now; False when it is not watched."""
        with self._engine.begin() as connection:
            return look_now(connection, repository)

    def looking(self, repository: str, seconds: float) -> None:
        """Note that somebody looks: nobody else need within ``seconds``. A push meanwhile makes it due again."""
        self._set(repository, due_at=time.time() + seconds)

    def looked(self, record: WatchRecord) -> None:
        """Note how a look went. If a push made the repository due meanwhile, it stays so."""
        with self._engine.begin() as connection:
            values = msgspec.structs.asdict(record)
            name, due = values.pop("repository"), values.pop("due_at")
            connection.execute(sa.update(WATCHES).where(WATCHES.c.repository == name).values(**values))
            connection.execute(
                sa.update(WATCHES).where(WATCHES.c.repository == name, WATCHES.c.due_at > 0).values(due_at=due)
            )

    def keep_own(self, repository: str, own: OwnFile | None) -> None:
        """Note what the repository's own file says on its default branch."""
        self._set(repository, own="" if own is None else msgspec.json.encode(own).decode())

    def own_files(self) -> dict[str, OwnFile]:
        """Return what repositories' own files say, by repository."""
        query = sa.select(WATCHES.c.repository, WATCHES.c.own).where(WATCHES.c.own != "")
        with self._engine.connect() as connection:
            rows = connection.execute(query)
            return {row.repository: msgspec.json.decode(row.own, type=OwnFile) for row in rows}

    def record(self, repository: str) -> WatchRecord:
        """Return what is known of ``repository``."""
        query = sa.select(*_RECORD).where(WATCHES.c.repository == repository)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return WatchRecord(**row) if row else WatchRecord(repository=repository)

    def records(self, names: Collection[str] | None = None) -> tuple[WatchRecord, ...]:
        """Return what is known of a few repositories, or of all, by name."""
        query = sa.select(*_RECORD).where(among(WATCHES.c.repository, names)).order_by(WATCHES.c.repository)
        with self._engine.connect() as connection:
            return tuple(WatchRecord(**row._asdict()) for row in connection.execute(query))

    def troubled(self) -> frozenset[str]:
        """Return the repositories whose last look failed."""
        with self._engine.connect() as connection:
            return frozenset(
                connection.execute(sa.select(WATCHES.c.repository).where(WATCHES.c.failures > 0)).scalars()
            )

    def refs(self, repository: str) -> dict[str, str]:
        """Return where the refs of ``repository`` were: full name to commit."""
        with self._engine.connect() as connection:
            query = sa.select(REFS.c.name, REFS.c.commit).where(REFS.c.repository == repository)
            return {row.name: row.commit for row in connection.execute(query)}

    def all_refs(self, names: Collection[str] | None = None) -> dict[str, dict[str, str]]:
        """Return where the refs of a few repositories, or of all, were: repository to full name to commit."""
        found: dict[str, dict[str, str]] = {}
        query = sa.select(REFS.c.repository, REFS.c.name, REFS.c.commit).where(among(REFS.c.repository, names))
        with self._engine.connect() as connection:
            for repository, name, commit in connection.execute(query):
                found.setdefault(repository, {})[name] = commit
        return found

    def digests(self, repository: str, ref: str) -> dict[str, str]:
        """Return folder to digest of the descriptions that ``ref`` had."""
        return {one.subdir: one.digest for one in self.descriptions(repository, ref)}

    def descriptions(self, repository: str, ref: str) -> tuple[ScannedDescription, ...]:
        """Return the descriptions that ``ref`` had, with all their images."""
        query = sa.select(DESCRIPTIONS).where(DESCRIPTIONS.c.repository == repository, DESCRIPTIONS.c.ref == ref)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(DESCRIPTIONS.c.subdir)).mappings()
            return tuple(
                ScannedDescription(
                    subdir=row["subdir"],
                    digest=row["digest"],
                    images=msgspec.json.decode(row["images"], type=tuple[ImageKey, ...]),
                    problems=msgspec.json.decode(row["problems"], type=tuple[str, ...]),
                )
                for row in rows
            )

    def moved(self, repository: str, ref: str, commit: str, found: Iterable[ScannedDescription]) -> None:
        """Note that ``ref`` is at ``commit`` and what is there; one without news keeps what was known of it."""
        before = {one.subdir: one for one in self.descriptions(repository, ref)}
        now = [before.get(one.subdir, one) if self._same(before.get(one.subdir), one) else one for one in found]
        here = (DESCRIPTIONS.c.repository == repository, DESCRIPTIONS.c.ref == ref)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(DESCRIPTIONS).where(*here))
            for one in now:
                row = {"repository": repository, "ref": ref, "subdir": one.subdir, "digest": one.digest}
                lists = {"images": one.images, "problems": one.problems}
                packed = {name: msgspec.json.encode(value).decode() for name, value in lists.items()}
                connection.execute(sa.insert(DESCRIPTIONS).values(**row, **packed))
            at = (REFS.c.repository == repository, REFS.c.name == ref)
            values = {"commit": commit, "seen_at": time.time()}
            if not connection.execute(sa.update(REFS).where(*at).values(**values)).rowcount:
                connection.execute(sa.insert(REFS).values(repository=repository, name=ref, **values))

    def tag_patterns(self, repository: str) -> tuple[str, ...]:
        """Return the patterns of tags that :meth:`note_tags` was told last."""
        query = sa.select(WATCHES.c.tags).where(WATCHES.c.repository == repository)
        with self._engine.connect() as connection:
            text = connection.execute(query).scalar()
        return msgspec.json.decode(text, type=tuple[str, ...]) if text else ()

    def note_tags(self, repository: str, patterns: tuple[str, ...], tags: Mapping[str, str]) -> None:
        """Note that tags of ``patterns`` are watched from now on, and ``tags`` that were there before that."""
        now, text = time.time(), msgspec.json.encode(patterns).decode()
        common = {"repository": repository, "seen_at": now}
        rows = [{**common, "name": tag, "commit": commit} for tag, commit in tags.items()]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(sa.insert(REFS), rows)
            connection.execute(sa.update(WATCHES).where(WATCHES.c.repository == repository).values(tags=text))

    def pushed(self, repository: str) -> dict[str, str]:
        """Return the branches that :meth:`note_pushed` was told last: full name to commit."""
        query = sa.select(PUSHED.c.name, PUSHED.c.commit).where(PUSHED.c.repository == repository)
        with self._engine.connect() as connection:
            return {row.name: row.commit for row in connection.execute(query)}

    def note_pushed(self, repository: str, branches: Mapping[str, str]) -> None:
        """Note where the branches are that we push to, and that there are no others."""
        rows = [{"repository": repository, "name": name, "commit": at} for name, at in branches.items()]
        with self._engine.begin() as connection:
            connection.execute(sa.delete(PUSHED).where(PUSHED.c.repository == repository))
            if rows:
                connection.execute(sa.insert(PUSHED), rows)

    def forget_refs(self, repository: str, names: Collection[str]) -> None:
        """Forget refs that are no more."""
        if not names:  # as nearly always: no transaction for nothing
            return
        with self._engine.begin() as connection:
            for table, column in ((REFS, REFS.c.name), (DESCRIPTIONS, DESCRIPTIONS.c.ref)):
                connection.execute(sa.delete(table).where(table.c.repository == repository, column.in_(names)))

    @staticmethod
    def _same(before: ScannedDescription | None, now: ScannedDescription) -> bool:
        return before is not None and before.digest == now.digest

    def _set(self, repository: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(WATCHES).where(WATCHES.c.repository == repository).values(**values))


def look_now(connection: sa.Connection, repository: str) -> bool:
    """Have ``repository`` looked at as soon as the transaction is over; False when it is not watched."""
    due = sa.update(WATCHES).where(WATCHES.c.repository == repository).values(due_at=0.0)
    return connection.execute(due).rowcount > 0
