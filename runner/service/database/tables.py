# SPDX-License-Identifier: Apache-2.0
"""The tables. Times are seconds since 1970 in UTC; structured values are JSON text; no secret is in any.

The queue keeps tables of its own beside these; :mod:`runner.service.queue` alone knows them.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 3
"""Grows with every change of a table."""

METADATA = MetaData()

ABOUT = Table("about", METADATA, Column("version", Integer, primary_key=True))
"""One row: the version of the tables."""

WATCHES = Table(
    "watches",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("polled_at", Float),
    Column("due_at", Float, nullable=False, default=0.0, index=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("default_branch", Text, nullable=False, default=""),
    Column("own", Text, nullable=False, default=""),
    Column("tags", Text, nullable=False, default=""),
)
"""A watched repository: when it was looked at, when it will be, what the default branch's own file says, and the
patterns of tags as they were at the last look."""

REFS = Table(
    "refs",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("commit", String(64), nullable=False),
    Column("seen_at", Float, nullable=False),
)
"""Where a watched branch or tag, as ``refs/…``, was when its commits were last turned into jobs."""

PUSHED = Table(
    "pushed",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("commit", String(64), nullable=False),
)
"""Where branches were when they were last seen to be ones that we push to."""

DESCRIPTIONS = Table(
    "descriptions",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("ref", String(500), primary_key=True),
    Column("subdir", String(500), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("images", Text, nullable=False),
    Column("problems", Text, nullable=False),
)
"""The descriptions of a watched ref as they were last looked through."""

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("once", String(64), nullable=False, unique=True),
    Column("repository", String(100), nullable=False),
    Column("image", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("ref", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("labels", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("attempt", Integer, nullable=False, default=0),
    Column("worker", String(100), nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("cancel", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
    Column("result", Text, nullable=False, default=""),
    Index("jobs_by_state", "state", "priority", "number"),
    Index("jobs_by_repository", "repository", "number"),
    Index("jobs_by_image", "image", "number"),
    Index("jobs_by_end", "ended_at", "number"),
)
"""``once`` is the digest of what may be built only once, and the id of a job that is cancelled, which stands in
nobody's way; see :mod:`runner.service.jobs.model` for the rest."""

NEWEST = Table(
    "newest", METADATA, Column("image", Text, primary_key=True), Column("number", Integer, nullable=False)
)
"""Of each image the number of the newest job that gave a result."""

RELEASES = Table(
    "releases",
    METADATA,
    Column("job", Integer, primary_key=True, autoincrement=False),
    Column("destination", String(100), nullable=False),
    Column("image", Text, nullable=False),
    Column("channel", String(100), nullable=False),
    Column("number", Integer, nullable=False),
    Index("releases_by_channel", "image", "channel", "destination", "job"),
)
"""The jobs, by number, that published: release ``number`` of ``image``, as its manifest names it, in a channel."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("job", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("worker", String(100), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("outcome", String(20), nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
)

PHASES = Table(
    "phases",
    METADATA,
    Column("job", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(40), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("cached", Boolean, nullable=False, default=False),
    Column("detail", Text, nullable=False, default=""),
)

LOGS = Table(
    "logs",
    METADATA,
    Column("job", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("first_line", Integer, primary_key=True),
    Column("lines", Integer, nullable=False),
    Column("text", LargeBinary, nullable=False),
)
"""A log in pieces of whole lines, compressed with zstd; ``first_line`` counts from 0 over the attempt's log."""

LOCKS = Table(
    "locks", METADATA, Column("digest", String(64), primary_key=True), Column("text", LargeBinary, nullable=False)
)
"""The locks that images were built from, and what changed since the build before, compressed with zstd."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("received_at", Float, nullable=False, index=True),
)
"""Calls of forges that were accepted, against replays."""

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("target", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("version", String(32), nullable=False),
    Column("held_until", Float, nullable=False, default=0.0),
    Column("error", Text, nullable=False, default=""),
    UniqueConstraint("kind", "target", "subject", name="outbox_newest_only"),
    Index("outbox_by_due", "due_at"),
)
"""What is to be sent to others; of several about one ``subject`` only the newest counts.

``version`` is another with each ``body``; until ``held_until`` somebody is sending, and nobody else may.
"""

PAUSES = Table(
    "pauses",
    METADATA,
    Column("kind", String(20), primary_key=True),
    Column("target", String(100), primary_key=True),
    Column("until", Float, nullable=False),
)
"""Until when a target of the outbox asked to be left alone, with what is written meanwhile, too."""

WORKERS = Table(
    "workers",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("labels", Text, nullable=False),
    Column("builds", Integer, nullable=False),
    Column("draining", Boolean, nullable=False, default=False),
    Column("version", String(40), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", Float, nullable=False),
)
"""Work that only one of many processes may do at a time, who does it, and until when others leave it alone."""

SCHEDULES = Table(
    "schedules",
    METADATA,
    Column("repository", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("cron", Text, nullable=False),
    Column("due_at", Float, nullable=False, index=True),
    Column("ran_at", Float),
    Column("note", Text, nullable=False, default=""),
)
