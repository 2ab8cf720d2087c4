# SPDX-License-Identifier: Apache-2.0
"""A private apt: its own configuration, sources, lists and an empty package database.

Nothing of the machine's apt is read or written. ``APT_CONFIG`` is the first file apt reads (apt.conf(5)), so it
can switch every other one off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import HostError, ResolveError
from runner.packages.apt.architecture import debian_architecture
from runner.packages.keyrings import keyring_of
from runner.process import tool_environment

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.api import ResolveContext
    from runner.plan.model import PackageRequest, RepositoryPlan

_CONFIG = """\
Dir "{root}/";
Dir::Etc "etc";
Dir::Etc::sourcelist "sources.list";
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
APT::Sandbox::User "{user}";
APT::Update::Error-Mode "any";
Acquire::Check-Valid-Until "{expiry}";
Acquire::Languages "none";
Acquire::GzipIndexes "false";
Acquire::PDiffs "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


_UNSAFE = re.compile(r"[\s\x00-\x1f\[\]\"]")


@dataclass(frozen=True, slots=True)
class Source:
    """One repository as it is asked now: the plan's entry and where it really is."""

    plan: RepositoryPlan
    url: str

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
        return tool_environment(
            {"APT_CONFIG": str(self.root / "apt.conf"), "HOME": str(self.root), "TMPDIR": str(self.root)}
        )

    @classmethod
    def make(cls, request: PackageRequest, context: ResolveContext) -> Workspace:
        """Write configuration and sources below ``context.work``."""
        root = context.work / "apt"
        for name in ("etc", "state/lists/partial", "cache/archives/partial", "log"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()
        sources = tuple(
            Source(repository, _url(repository, context))
            for repository in request.repositories
            if repository.build
        )
        if not sources:
            raise ResolveError("the description names no repository to build from", hint="add a <repository>")
        arch = debian_architecture(request.arch)
        (root / "apt.conf").write_text(
            _CONFIG.format(
                root=root,
                arch=arch,
                recommends=str(request.recommends).lower(),
                user="root",
                expiry=str(not context.allow_expired).lower(),
            )
        )
        lines = [_source_line(source, root, context) for source in sources]
        (root / "etc" / "sources.list").write_text("".join(lines))
        (root / "etc" / "preferences").write_text(_preferences(request, sources))
        return cls(root, sources)


def _url(repository: RepositoryPlan, context: ResolveContext) -> str:
    uri = context.mirrors.resolve(repository.uri)
    if uri.startswith("this://"):
        return f"file://{context.description / uri.removeprefix('this://').lstrip('/')}"
    if uri.startswith("dir://"):
        return "file://" + uri.removeprefix("dir://")
    return f"file://{uri}" if uri.startswith("/") else uri


def _source_line(source: Source, root: Path, context: ResolveContext) -> str:
    plan = source.plan
    for word in (source.url, plan.alias, plan.distribution, *plan.components, *plan.architectures):
        # Such a character would end the word and start an option, or another repository.
        if _UNSAFE.search(word):
            raise ResolveError(f"repository {plan.alias!r}: {word!r} holds a character that cannot be in it")
    if "/" in plan.alias:
        raise ResolveError(f"repository {plan.alias!r}: an alias must not contain a slash")
    options = [f"arch={','.join(source.plan.architectures)}"] if source.plan.architectures else []
    if source.plan.verify:
        options.append(f"signed-by={keyring_of(source.plan, context, root)}")
    else:
        options.append("trusted=yes")
    place = "./" if source.flat else f"{source.plan.distribution} {' '.join(source.plan.components)}"
    return f"deb [{' '.join(options)}] {source.url} {place}\n"


def _preferences(request: PackageRequest, sources: tuple[Source, ...]) -> str:
    """Pins (apt_preferences(5)): what must never come, and the repositories' priorities."""
    never = list(request.ignore)
    if "usrmerge" not in {*request.bootstrap, *request.image}:
        # Our trees are merged from the start; usrmerge would come as the first alternative of a dependency
        # only to find nothing to do, and bring perl along.
        never.append("usrmerge")
    stanzas = [f"Package: {name}\nPin: release *\nPin-Priority: -1\n" for name in never]
    for source in sources:
        if source.plan.priority is not None:
            host = source.url.partition("://")[2].partition("/")[0]
            stanzas.append(f'Package: *\nPin: origin "{host}"\nPin-Priority: {source.plan.priority}\n')
    return "\n".join(stanzas)


def apt_missing() -> HostError:
    """The error for a machine without apt."""
    return HostError(
        "apt-get is not installed",
        why="Debian packages are resolved by apt itself",
        hint="install the package apt",
    )
