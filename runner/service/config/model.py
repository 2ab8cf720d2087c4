# SPDX-License-Identifier: Apache-2.0
"""The configuration of a runner, as ``packhouse.yaml`` writes it.

Durations are seconds, or a number with s, m, h or d; sizes are bytes, or a number with K, M, G or T.
A secret is only ever named here; where its value comes from is in ``secrets``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Forge = Literal["github", "gitlab", "gitea", "forgejo"]
Firmware = Literal["bios", "uefi", "secure"]
Role = Literal["read", "trigger", "admin"]
MissedRun = Literal["run", "skip"]
Occasion = Literal["failure", "success", "fixed", "cancelled"]

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Duration = Annotated[str | int, msgspec.Meta(description="seconds, or a number with s, m, h or d")]
Size = Annotated[str | int, msgspec.Meta(description="bytes, or a number with K, M, G or T")]


class SecretSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret's value is; exactly one of the three.

    Attributes:
        env: a variable of the environment of ``packhouse serve``.
        file: a file; one line end at its end does not count.
        credential: a systemd credential, a file in ``$CREDENTIALS_DIRECTORY``.
    """

    env: str = ""
    file: str = ""
    credential: str = ""


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``key`` is the path of a private key file; ``passphrase`` the name of the secret that opens it."""

    key: str
    passphrase: str = ""


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where releases go.

    Attributes:
        url: ``s3://BUCKET/PREFIX`` or ``file:///DIR``.
        environment: variables the storage needs (``AWS_ACCESS_KEY_ID`` …), each the name of a secret.
        settings: variables that are no secrets (``AWS_ENDPOINT_URL``, ``AWS_REGION`` …).
        channels: pattern of a branch's or tag's name to channel; the first that matches counts.
        sign: nothing is signed without it.
        mirror_packages: keep the packages beside the releases, so that locks build for ever.
    """

    url: str
    environment: dict[str, Name] = {}
    settings: dict[str, str] = {}
    channels: dict[str, Name] = msgspec.field(default_factory=lambda: {"*": "edge"})
    sign: Signing | None = None
    mirror_packages: bool = True


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A forge's calls when somebody pushed. ``secrets``: names; two are valid while one replaces the other."""

    forge: Forge
    secrets: tuple[Name, ...]


class Status(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commit statuses: ``project`` is ``OWNER/NAME``, for GitLab also a number; ``token`` a secret's name."""

    forge: Forge
    project: str
    token: Name
    api: str = ""


class CommitPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which commits may be built: only those signed by one of the keys in the file ``allowed_signers``.

    The file is one of ssh-keygen(1)'s; without ``signed`` every commit on a watched ref may.
    """

    signed: bool = False
    allowed_signers: str = ""


class BootGate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A boot test that a disk must pass before it is published; ``script`` is run in it."""

    enabled: bool = True
    script: str = ""
    password: str = ""
    seconds: Duration = "10m"


class Images(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images of a description are built: every combination unless something is named.

    ``profiles`` is a list of sets; each is built in each of ``types``.
    """

    profiles: tuple[tuple[str, ...], ...] = ()
    types: tuple[str, ...] = ()


class PullRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The refreshed lock goes to ``branch`` and is offered as a change to the watched one."""

    forge: Forge
    project: str
    token: Name
    branch: str = "packhouse/refresh-lock"
    api: str = ""


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When images are built anew against today's packages.

    Attributes:
        cron: five fields as in crontab(5); ``nightly: true`` is ``0 2 * * *``.
        timezone: of the fields, by its name in the time zone database.
        jitter: each run comes later by up to so much, by a fixed share of its repository's own.
        missed: whether a run that came due while nothing ran is made up for, once.
        ref: what is built; the repository's default branch unless told.
        channel: where it is published.
    """

    name: Name = "nightly"
    cron: str = ""
    nightly: bool = False
    timezone: str = "UTC"
    jitter: Duration = 0
    missed: MissedRun = "run"
    ref: str = ""
    channel: Name = "nightly"
    pull_request: PullRequest | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one job may use.

    Attributes:
        time: of a whole build.
        log: bytes of its log; more end it.
        memory: of all processes of a build together; 0 is no limit.
        disk: bytes that a build may write into its working folder; 0 is no limit.
        processes: that a build may have at once; 0 is no limit.
    """

    time: Duration = "2h"
    log: Size = "64M"
    memory: Size = 0
    disk: Size = "50G"
    processes: int = 4096


class Repository(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watched git repository.

    Attributes:
        url: https, ssh or file; logins come from ``environment``, as for ``packhouse build``.
        refs: patterns of branches that are watched; ``HEAD`` is the default branch.
        tags: patterns of tags.
        descriptions: folders, as patterns; ``**`` finds all descriptions, the top's is ``.``.
        destination: name of one; nothing is published without.
        poll: time between two looks.
        labels: what a worker must have besides the image's architecture.
        priority: added to that of what started a build; more is sooner.
        environment: variables for git and package repositories, each the name of a secret.
        own_file: whether ``.packhouse.yaml`` in the repository may change what its owners may decide.
    """

    url: str
    refs: tuple[str, ...] = ("HEAD",)
    tags: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ("**",)
    images: Images = Images()
    destination: str = ""
    poll: Duration = "5m"
    webhook: Webhook | None = None
    status: Status | None = None
    commits: CommitPolicy = CommitPolicy()
    boot_test: BootGate | None = None
    schedules: tuple[Schedule, ...] = ()
    labels: tuple[Name, ...] = ()
    priority: int = 0
    limits: Limits | None = None
    environment: dict[str, Name] = {}
    notify: tuple[Name, ...] = ()
    own_file: bool = True


class Notification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to be told.

    Attributes:
        kind: ``webhook`` posts our JSON, ``slack`` what Slack reads, ``matrix`` to a room, ``email``.
        url: to post to; for e-mail ``smtp://HOST:PORT``, ``smtps://…`` or with ``?starttls=true``.
        token: name of the secret that authorises.
        to: room or addresses.
        sender: of e-mails.
    """

    kind: Literal["webhook", "slack", "matrix", "email"]
    url: str = ""
    url_secret: str = ""
    token: str = ""
    user: str = ""
    to: tuple[str, ...] = ()
    sender: str = ""
    on: tuple[Occasion, ...] = ("failure", "fixed")


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may use the API: ``secret`` names its value; ``trigger`` may start, ``admin`` everything."""

    secret: Name
    role: Role = "read"


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the runner remembers; releases in storages are not touched."""

    jobs: Duration = "365d"
    logs: Duration = "90d"
    jobs_per_image: int = 20


class Worker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this machine builds: ``labels`` beside its architecture, and how many builds at once.

    A worker whose ``heartbeat`` did not come three times is taken for dead, and its jobs go to others.
    """

    labels: tuple[Name, ...] = ()
    builds: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    heartbeat: Duration = "10s"


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        state: folder of the database, working folders and mirrors of repositories.
        database: ``postgresql://…`` for many machines; SQLite in ``state`` unless told.
        database_secret: name of the secret that holds the URL of the database, where it has a password in it.
        listen: address and port of the web pages and the API.
        public_url: where people reach it, for links in statuses and notifications.
        trusted_proxies: addresses whose ``X-Forwarded-For`` counts.
    """

    state: str = "/var/lib/packhouse"
    database: str = ""
    database_secret: str = ""
    listen: str = "127.0.0.1:8080"
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    secrets: dict[Name, SecretSource] = {}
    tokens: dict[Name, Token] = {}
    destinations: dict[Name, Destination] = {}
    repositories: dict[Name, Repository] = {}
    notifications: dict[Name, Notification] = {}
    limits: Limits = Limits()
    retention: Retention = Retention()
    worker: Worker = Worker()


class OwnFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``.packhouse.yaml`` at a repository's top: what its owners may decide for themselves."""

    descriptions: tuple[str, ...] | None = None
    images: Images | None = None
    nightly: bool | None = None
