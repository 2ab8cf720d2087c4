# SPDX-License-Identifier: Apache-2.0
"""The configuration of a runner, as ``packhouse.yaml`` writes it.

In the file, durations may have s, m, h or d behind them and sizes K, M, G or T; here they are seconds and bytes.
A secret is only ever named; where its value comes from is in ``secrets``. The texts under ``Attributes`` are what
the JSON Schema and ``docs/configuration.md`` say.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runner.service.config.kinds import (
    Author,
    Credential,
    Cron,
    DatabaseUrl,
    DestinationName,
    Duration,
    File,
    Folder,
    FolderPattern,
    HttpUrl,
    Interval,
    ListenAddress,
    Name,
    Network,
    NotificationName,
    Project,
    RefName,
    RefPattern,
    RepositoryUrl,
    SecretName,
    Size,
    StorageUrl,
    TargetUrl,
    TimeZone,
    Variable,
)

Forge = Literal["github", "gitlab", "gitea", "forgejo"]
Firmware = Literal["bios", "uefi", "secure"]
Role = Literal["read", "trigger", "admin"]
MissedRun = Literal["run", "skip"]
Occasion = Literal["failure", "success", "fixed", "cancelled"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class SecretSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret's value is; exactly one of the three.

    Attributes:
        env: a variable of the environment of ``packhouse serve`` or ``packhouse worker``.
        file: a file; one line end at its end does not count.
        credential: a systemd credential, a file in ``$CREDENTIALS_DIRECTORY``.
    """

    env: Variable = ""
    file: File = ""
    credential: Credential = ""


class Signing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How releases are signed.

    Attributes:
        key: file of a private key, as ``packhouse keygen`` writes it.
        passphrase: what opens the key.
    """

    key: File
    passphrase: SecretName = ""


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where releases go.

    Attributes:
        url: ``s3://BUCKET/PREFIX`` or ``file:///DIR``.
        environment: secret variables the storage needs (``AWS_ACCESS_KEY_ID`` …), each the name of a secret.
        settings: variables that are no secrets (``AWS_ENDPOINT_URL``, ``AWS_REGION`` …).
        channels: pattern of a branch's name to channel; the first that matches counts, else nothing is published.
        tag_channels: the same for tags: a branch that is called like a release does not become one.
        sign: nothing is signed without it.
        mirror_packages: keep the packages beside the releases, so that locks build for ever.
    """

    url: StorageUrl
    environment: dict[Variable, SecretName] = {}
    settings: dict[Variable, str] = {}
    channels: dict[RefPattern, Name] = msgspec.field(default_factory=lambda: {"*": "edge"})
    tag_channels: dict[RefPattern, Name] = msgspec.field(default_factory=lambda: {"*": "edge"})
    sign: Signing | None = None
    mirror_packages: bool = True


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A forge's calls when somebody pushed; they only hasten the next look.

    Attributes:
        forge: who calls.
        secrets: what calls are signed with; two are valid while one replaces the other.
    """

    forge: Forge
    secrets: Annotated[tuple[SecretName, ...], msgspec.Meta(min_length=1, max_length=2)]


class Status(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Commit statuses, so that the forge shows what became of a commit.

    Attributes:
        forge: whose API is spoken.
        project: ``OWNER/NAME``, for GitLab also a number.
        token: what authorises; it needs to write commit statuses and nothing else.
        api: where the API is, unless it is where the forge usually has it.
    """

    forge: Forge
    project: Project
    token: SecretName
    api: HttpUrl = ""


class CommitPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which commits may be built: without ``signed`` every one on a watched ref.

    Attributes:
        signed: only commits that are signed by a key in ``allowed_signers``.
        allowed_signers: a file as in ssh-keygen(1).
    """

    signed: bool = False
    allowed_signers: File = ""


class BootGate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A boot test that a disk must pass before it is published.

    Attributes:
        enabled: ``false`` leaves it out.
        script: a file that is run in the image; it must end with 0.
        password: name of the secret that is the password of root in the image, for running the script.
        seconds: longest time until the image is up and the script has ended.
    """

    enabled: bool = True
    script: File = ""
    password: SecretName = ""
    seconds: Interval = 10 * _MINUTE


class Images(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images of a description are built: every combination unless something is named.

    Attributes:
        profiles: sets of profiles, ``[[], [server, debug]]``; each is built in each of ``types``.
        types: image types, ``[oem, docker]``.
    """

    profiles: tuple[tuple[str, ...], ...] = ()
    types: tuple[str, ...] = ()


class PullRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The refreshed lock is pushed to a branch and offered as a change to the watched one.

    Attributes:
        forge: whose API is spoken.
        project: ``OWNER/NAME``, for GitLab also a number.
        token: what authorises; it needs to open pull requests. The push has the repository's own login.
        branch: the branch that is pushed, for other folders than the top with a hyphen and the folder behind it.
        author: author and committer there.
        api: where the API is, unless it is where the forge usually has it.
    """

    forge: Forge
    project: Project
    token: SecretName
    branch: RefName = "packhouse/lock"
    author: Author = "Packhouse <noreply@packhouse.invalid>"
    api: HttpUrl = ""


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When images are built anew against today's packages: either ``cron`` or ``nightly``.

    Attributes:
        name: by which people see it; no two of a repository have the same.
        cron: five fields as in crontab(5).
        nightly: ``true`` is ``cron: 0 2 * * *``.
        timezone: of the fields, by its name in the time zone database.
        jitter: each run comes later by up to so much, by a fixed share of its repository's own.
        missed: whether a run that came due while nothing ran is made up for, once.
        ref: the branch or tag that is built; the repository's default branch unless told.
        channel: where it is published.
        pull_request: where a refreshed lock is offered.
    """

    name: Name = "nightly"
    cron: Cron = ""
    nightly: bool = False
    timezone: TimeZone = "UTC"
    jitter: Duration = 0.0
    missed: MissedRun = "run"
    ref: RefName = ""
    channel: Name = "nightly"
    pull_request: PullRequest | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one job may use.

    Attributes:
        time: of each step of a job; building, from the clone to the signed result, is one.
        log: its log; more ends it.
        memory: of all processes of a build together, and files in memory; 0 is no limit.
        disk: what a build may write into its working folders, a file being 4K at least, and less where it fills
            a disk of which little is left; 0 is no limit.
        processes: at once, threads among them, so that a fork bomb ends the build; 0 is no limit.
    """

    time: Interval = 2 * _HOUR
    log: Size = 64 << 20
    memory: Size = 0
    disk: Size = 50 << 30
    processes: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 2000


class Repository(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A watched git repository.

    Attributes:
        url: https, ssh or file; logins come from ``environment``, as for ``packhouse build``.
        refs: patterns of branches that are watched; ``HEAD`` is the default branch.
        tags: patterns of tags; those that are there before their pattern is are not built.
        descriptions: folders, as patterns; ``**`` finds all descriptions, the top's is ``.``.
        images: which images of each description.
        destination: where results go; nothing is published without.
        poll: time between two looks.
        webhook: lets a forge tell of a push.
        status: lets a forge show what became of a commit.
        commits: which commits may be built.
        boot_test: what disks must pass before they are published.
        schedules: when images are built anew.
        labels: what a worker must have besides the image's architecture.
        priority: added to that of what started a build; more is sooner.
        limits: of each build; those at the top of the file unless told.
        environment: secret variables for git and package repositories, each the name of a secret.
        notify: who is told how builds end.
        own_file: whether ``.packhouse.yaml`` in the repository may change what its owners may decide.
    """

    url: RepositoryUrl
    refs: tuple[RefPattern, ...] = ("HEAD",)
    tags: tuple[RefPattern, ...] = ()
    descriptions: tuple[FolderPattern, ...] = ("**",)
    images: Images = Images()
    destination: DestinationName = ""
    poll: Interval = 5 * _MINUTE
    webhook: Webhook | None = None
    status: Status | None = None
    commits: CommitPolicy = CommitPolicy()
    boot_test: BootGate | None = None
    schedules: tuple[Schedule, ...] = ()
    labels: tuple[Name, ...] = ()
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0
    limits: Limits | None = None
    environment: dict[Variable, SecretName] = {}
    notify: tuple[NotificationName, ...] = ()
    own_file: bool = True


class Notification(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to be told.

    Attributes:
        kind: ``webhook`` posts our JSON, ``slack`` what Slack reads, ``matrix`` to a room, ``email``.
        url: to post to; for e-mail ``smtp://HOST:PORT``, ``smtps://…`` or with ``?starttls=true``.
        url_secret: the URL, where it is a secret itself, as Slack's are.
        token: what authorises; for e-mail the password.
        user: for e-mail, the name to log in with.
        to: the Matrix room, or the addresses of an e-mail.
        sender: address of an e-mail's sender.
        on: when; ``fixed`` is the first success after a failure.
    """

    kind: Literal["webhook", "slack", "matrix", "email"]
    url: TargetUrl = ""
    url_secret: SecretName = ""
    token: SecretName = ""
    user: str = ""
    to: tuple[str, ...] = ()
    sender: str = ""
    on: tuple[Occasion, ...] = ("failure", "fixed")


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may use the API.

    Attributes:
        secret: what is sent as ``Authorization: Bearer …``.
        role: ``trigger`` may also start builds, ``admin`` everything.
    """

    secret: SecretName
    role: Role = "read"


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the runner remembers; releases in storages are not touched.

    Attributes:
        jobs: what a job was and how it ended.
        logs: what it said.
        jobs_per_image: so many of an image's newest jobs stay, however old.
    """

    jobs: Interval = 365 * _DAY
    logs: Interval = 90 * _DAY
    jobs_per_image: Annotated[int, msgspec.Meta(ge=1)] = 20


class Worker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this machine builds.

    Attributes:
        labels: what it offers beside its architecture.
        builds: at once.
        heartbeat: a worker that was not heard of for three of them is taken for dead, and its jobs go to others.
    """

    labels: tuple[Name, ...] = ()
    builds: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    heartbeat: Interval = 10.0


class Watch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How repositories are watched.

    Attributes:
        looks: so many repositories are asked at once; docs/scaling.md tells how many are enough.
    """

    looks: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; every key has a default.

    Attributes:
        state: folder of the database, working folders and mirrors of repositories.
        database: ``postgresql://…`` for many machines; SQLite in ``state`` unless told.
        database_secret: the URL of the database, where it has a password in it.
        listen: address and port of the web pages and the API.
        public_url: where people reach it, for links in statuses and notifications.
        trusted_proxies: addresses or networks whose ``X-Forwarded-For`` counts.
        secrets: name to where the value is.
        tokens: name to who may use the API.
        destinations: name to where releases go.
        repositories: name to what is watched.
        notifications: name to who is told.
        limits: what each build may use.
        retention: how long the runner remembers.
        worker: what this machine builds.
        watch: how repositories are watched.
    """

    state: Folder = "/var/lib/packhouse"
    database: DatabaseUrl = ""
    database_secret: SecretName = ""
    listen: ListenAddress = "127.0.0.1:8080"
    public_url: HttpUrl = ""
    trusted_proxies: tuple[Network, ...] = ()
    secrets: dict[Name, SecretSource] = {}
    tokens: dict[Name, Token] = {}
    destinations: dict[Name, Destination] = {}
    repositories: dict[Name, Repository] = {}
    notifications: dict[Name, Notification] = {}
    limits: Limits = Limits()
    retention: Retention = Retention()
    worker: Worker = Worker()
    watch: Watch = Watch()


class OwnFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``.packhouse.yaml`` at a repository's top: what its owners may decide for themselves.

    Attributes:
        descriptions: instead of the repository's.
        images: instead of the repository's.
        nightly: ``true`` adds a nightly build where there is none, ``false`` leaves every nightly one out.
    """

    descriptions: tuple[FolderPattern, ...] | None = None
    images: Images | None = None
    nightly: bool | None = None
