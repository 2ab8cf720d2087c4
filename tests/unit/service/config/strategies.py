# SPDX-License-Identifier: Apache-2.0
"""Configurations that hold together, made up."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from runner.service.config.model import (
    BootGate,
    CommitPolicy,
    Destination,
    Forge,
    Images,
    Limits,
    Notification,
    Occasion,
    PullRequest,
    Repository,
    Retention,
    Role,
    Schedule,
    SecretSource,
    ServiceConfig,
    Signing,
    Status,
    Token,
    Watch,
    Webhook,
    Worker,
)

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VARIABLES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,10}", fullmatch=True).filter(
    lambda name: not {"SECRET", "TOKEN"} & {*name.split("_")}
)
SECONDS = st.floats(min_value=0.001, max_value=1e8, allow_nan=False)
SIZES = st.integers(0, 1 << 59)
PATTERNS = st.sampled_from(
    ["main", "v*", "release/?", "1.10", "[ab]c", "*", "no", "0x10", "1e3", "null", "2026-01-01"]
)
PATHS = st.sampled_from(["/etc/key", "/srv/a b", "/1.10", "/ünï"])
FORGES = st.sampled_from(get_args(Forge))
PROJECTS = st.sampled_from(["a/b", "group/sub/x", "17"])
LIMITS = st.builds(Limits, time=SECONDS, log=SIZES, memory=SIZES, disk=SIZES, processes=st.integers(0, 1_000_000))
SOURCES = st.one_of(
    st.builds(SecretSource, env=VARIABLES),
    st.builds(SecretSource, file=PATHS),
    st.builds(SecretSource, credential=NAMES),
)


def tuples(entries: st.SearchStrategy[Any], **sizes: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(entries, max_size=sizes.get("most", 3), min_size=sizes.get("least", 0)).map(tuple)


def tables(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, entries, max_size=3)


def schedules(secret: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Schedule, ...]]:
    pulls = st.builds(PullRequest, forge=FORGES, project=PROJECTS, token=secret)
    when = st.sampled_from([{"nightly": True}, {"cron": "5 4 * * sun"}, {"cron": "*/7 0-4 1,15 * *"}])
    one = st.builds(
        lambda when, **more: Schedule(**when, **more),
        when,
        name=NAMES,
        timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
        jitter=SECONDS,
        ref=st.sampled_from(["", "main", "v1.2"]),
        pull_request=st.none() | pulls,
    ).map(_branch_of_its_own)
    return st.lists(one, max_size=3, unique_by=lambda schedule: schedule.name).map(tuple)


def _branch_of_its_own(schedule: Schedule) -> Schedule:
    if schedule.pull_request is None:
        return schedule
    pull = msgspec.structs.replace(schedule.pull_request, branch=f"packhouse/{schedule.ref or 'default'}")
    return msgspec.structs.replace(schedule, pull_request=pull)


@st.composite
def configs(draw: st.DrawFn) -> ServiceConfig:
    sources = draw(st.dictionaries(NAMES, SOURCES, min_size=1, max_size=4))
    secret = st.sampled_from(sorted(sources))
    secrets = st.dictionaries(VARIABLES, secret, max_size=2)
    destination = st.builds(
        Destination,
        url=st.sampled_from(["s3://bucket/prefix", "file:///srv/out"]),
        environment=secrets,
        settings=st.dictionaries(VARIABLES.map(lambda name: f"_{name.lower()}"), TEXTS, max_size=2),
        channels=st.dictionaries(PATTERNS, NAMES, max_size=3),
        tag_channels=st.dictionaries(PATTERNS, NAMES, max_size=3),
        sign=st.none() | st.builds(Signing, key=PATHS, passphrase=secret),
        mirror_packages=st.booleans(),
    )
    destinations = draw(tables(destination))
    mail = {"kind": "email", "url": "smtp://h:25?starttls=true", "sender": "a@b", "to": ("c@d",)}
    notifications = draw(
        tables(
            st.builds(
                Notification,
                kind=st.just("slack"),
                url_secret=secret,
                on=tuples(st.sampled_from(get_args(Occasion))),
            )
            | st.just(Notification(**mail))  # type: ignore[arg-type]  # values of several types
        )
    )
    repository = st.builds(
        Repository,
        url=st.sampled_from(["https://h/x.git", "ssh://git@h/x", "git@h:x/y", "file:///srv/x"]),
        refs=tuples(PATTERNS, least=1),
        tags=tuples(PATTERNS),
        descriptions=tuples(st.sampled_from([".", "**", "a/*", "1.0"])),
        images=st.builds(Images, profiles=tuples(tuples(TEXTS)), types=tuples(TEXTS)),
        destination=st.sampled_from(["", *destinations]),
        poll=SECONDS,
        webhook=st.none() | st.builds(Webhook, forge=FORGES, secrets=tuples(secret, least=1, most=2)),
        status=st.none() | st.builds(Status, forge=FORGES, project=PROJECTS, token=secret),
        commits=st.sampled_from([CommitPolicy(), CommitPolicy(signed=True, allowed_signers="/etc/signers")]),
        boot_test=st.none()
        | st.builds(BootGate, enabled=st.booleans(), script=PATHS, password=st.just("") | secret, seconds=SECONDS),
        schedules=schedules(secret),
        labels=tuples(NAMES),
        priority=st.integers(-1000, 1000),
        limits=st.none() | LIMITS,
        environment=secrets,
        notify=tuples(st.sampled_from(sorted(notifications))) if notifications else st.just(()),
        own_file=st.booleans(),
    )
    roles = st.sampled_from(get_args(Role))
    holders = draw(st.lists(st.tuples(NAMES, secret), max_size=3, unique_by=(lambda x: x[0], lambda x: x[1])))
    return ServiceConfig(
        state=draw(PATHS),
        listen=draw(st.sampled_from(["127.0.0.1:8080", "[::1]:1", "localhost:80"])),
        public_url=draw(st.sampled_from(["", "https://h/x"])),
        trusted_proxies=draw(tuples(st.sampled_from(["10.0.0.0/8", "::1"]))),
        database_secret=draw(st.just("") | secret),
        secrets=sources,
        tokens={name: Token(secret=value, role=draw(roles)) for name, value in holders},
        destinations=destinations,
        notifications=notifications,
        repositories=draw(tables(repository)),
        limits=draw(LIMITS),
        retention=draw(st.builds(Retention, jobs=SECONDS, logs=SECONDS)),
        watch=draw(st.builds(Watch, looks=st.integers(1, 256))),
        worker=draw(st.builds(Worker, labels=tuples(NAMES), builds=st.integers(1, 256), heartbeat=SECONDS)),
    )
