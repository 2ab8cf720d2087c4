# SPDX-License-Identifier: Apache-2.0
"""A private apt: its own configuration, sources, lists and an empty package database.

Nothing of the machine's apt is read or written. ``APT_CONFIG`` is the first file apt reads (apt.conf(5)), so it
can switch every other one off.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from runner.errors import HostError, ResolveError
from runner.packages.apt import pins
from runner.packages.apt.architecture import debian_architecture
from runner.packages.apt.sources import stanza
from runner.packages.credentials import Login, split_login
from runner.packages.keyrings import armoured, keyring_of
from runner.packages.places import local_folder
from runner.packages.proxies import Proxies
from runner.process import tool_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.packages.api import ResolveContext
    from runner.plan.model import PackageRequest, RepositoryPlan

_CONFIG = """\
Dir "{root}/";
Dir::Etc "etc";
Dir::Etc::sourcelist "packhouse.sources";
Dir::Etc::preferences "preferences";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::Etc::netrc "netrc";
Dir::Etc::netrcparts "/dev/null";
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Log "{root}/log";
Dir::Bin::methods "/usr/lib/apt/methods";
Dir::Bin::dpkg "/bin/false";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "{recommends}";
APT::Install-Suggests "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Check-Valid-Until "{expiry}";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::PDiffs "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """One repository as it is asked now: as planned, where it really is, its login, the file of its keys."""

    plan: RepositoryPlan
    url: str
    login: Login | None
    keyring: Path

    @property
    def flat(self) -> bool:
        """A repository without ``dists/``: its index lies beside the packages (sources.list(5))."""
        return not self.plan.distribution


@dataclass(frozen=True, slots=True)
class Workspace:
    """The private apt's folder."""

    root: Path
    sources: tuple[Source, ...]

    @property
    def lists(self) -> Path:
        return self.root / "state" / "lists"

    @property
    def environment(self) -> dict[str, str]:
        # The scripts that verify signatures choke on blanks in the names of their temporary files.
        temporary = self.root if _PLAIN_PATH.fullmatch(str(self.root)) else Path(tempfile.gettempdir())
        return tool_environment(
            {"APT_CONFIG": str(self.root / "apt.conf"), "HOME": str(self.root), "TMPDIR": str(temporary)}
        )

    @classmethod
    def make(cls, request: PackageRequest, context: ResolveContext) -> Workspace:
        """Write configuration and sources below ``context.work``.

        Raises:
            ResolveError: no repository, or one that cannot be written down.
            HostError: no keys, or a folder or proxy that apt's configuration cannot name.
        """
        root = context.work / "apt"
        if any(char in str(root) for char in '"\\\n'):
            raise HostError(f"apt cannot work in {root}", hint="choose another place with --store")
        for name in ("etc", "state/lists/partial", "cache/archives/partial", "log"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()
        planned = [repository for repository in request.repositories if repository.build]
        if not planned:
            raise ResolveError("the description names no repository to build from", hint="add a <repository>")
        sources = tuple(_source(each, root / f"keys-{n}.gpg", context) for n, each in enumerate(planned, 1))
        config = _CONFIG.format(
            root=root,
            arch=debian_architecture(request.arch),
            recommends=str(request.recommends).lower(),
            expiry=str(not context.allow_expired).lower(),
        )
        proxies = _proxy_lines(Proxies.of(context.credentials.env), sources)
        _write_secret(root / "apt.conf", config + proxies)
        _write_secret(root / "etc" / "netrc", _netrc(sources))
        stanzas = [_written(source, context) for source in sources]
        (root / "etc" / "packhouse.sources").write_text("\n".join(stanzas))
        return cls(root, sources)

    def write_pins(self, request: PackageRequest, releases: Sequence[str]) -> None:
        """Write the pins; ``releases`` are the texts of the sources' indices, whose fields tell them apart.

        Raises:
            ResolveError: the pins cannot be written down.
        """
        ignored = list(request.ignore)
        if "usrmerge" not in {*request.bootstrap, *request.image}:
            # Our trees are merged from the start; usrmerge would come as the first alternative of a dependency
            # only to find nothing to do, and bring perl along.
            ignored.append("usrmerge")
        entries = [
            (source.plan.alias, pins.selector(source.url, release), source.plan.priority)
            for source, release in zip(self.sources, releases, strict=True)
        ]
        text = "\n".join([*pins.never(ignored), *pins.priorities(entries)])
        (self.root / "etc" / "preferences").write_text(text)


def _source(plan: RepositoryPlan, keyring: Path, context: ResolveContext) -> Source:
    resolved = context.mirrors.resolve(plan.uri)
    folder = local_folder(resolved, context.description)
    url = split_login(resolved)[0] if folder is None else f"file://{quote(os.fspath(folder))}"
    return Source(plan, url, context.credentials.login_for(plan.alias, plan.uri, resolved), keyring)


def _written(source: Source, context: ResolveContext) -> str:
    if not source.plan.verify:
        return stanza(source.plan, source.url)
    keys = keyring_of(source.plan, context)
    source.keyring.write_bytes(keys)
    # The keys themselves rather than their file: the name of a file could not hold a blank or a comma.
    return stanza(source.plan, source.url, signed_by=armoured(keys))


def _netrc(sources: Sequence[Source]) -> str:
    """Logins (apt_auth.conf(5)); the longest path first, as the first that fits counts."""
    lines = []
    for source in sorted(sources, key=lambda source: -len(source.url)):
        login, parts = source.login, urlsplit(source.url)
        if login is None or parts.scheme not in {"http", "https"}:
            continue
        if not login.username or not login.password or re.search(r"[\s\x00]", login.username + login.password):
            raise ResolveError(
                f"the login of repository {source.plan.alias} cannot be used",
                why="apt needs a user name and a password, both without blanks",
            )
        lines.append(f"machine {source.url} login {login.username} password {login.password}\n")
    return "".join(lines)


def _proxy_lines(proxies: Proxies, sources: Sequence[Source]) -> str:
    """The proxy of each scheme, and of each host of a repository that is reached otherwise (apt.conf(5))."""
    lines = [f'Acquire::{scheme}::Proxy "{proxy}";\n' for scheme, proxy in sorted(proxies.by_scheme.items())]
    for source in sources:
        parts = urlsplit(source.url)
        if proxies.by_scheme.get(parts.scheme) and proxies.for_url(source.url) is None:
            lines.append(f'Acquire::{parts.scheme}::Proxy::{parts.hostname} "DIRECT";\n')
    return "".join(dict.fromkeys(lines))


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def apt_missing() -> HostError:
    """The error for a machine without apt."""
    return HostError(
        "apt-get is not installed",
        why="Debian packages are resolved by apt itself",
        hint="install the package apt",
    )
