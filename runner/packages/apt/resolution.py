# SPDX-License-Identifier: Apache-2.0
"""A package request answered by apt: exact semantics, because it is apt that answers."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from runner import process
from runner.errors import BuildError, ResolveError
from runner.packages.api import Resolution
from runner.packages.apt.dependencies import closure
from runner.packages.apt.index import (
    Identity,
    Lists,
    Stanza,
    fetched_lists,
    release_date,
    release_digest,
    stanzas_of,
)
from runner.packages.apt.signatures import signers
from runner.packages.apt.workspace import Source, Workspace, apt_missing
from runner.packages.lock import LockedPackage, LockedRepository, Solver
from runner.redact import Redactor, strip_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.packages.api import ResolveContext
    from runner.plan.model import PackageRequest
    from runner.process import LineSink

_INSTALL = re.compile(r"^Inst (?P<name>[^ :]+)(?::\S+)? \((?P<version>\S+) .*\[(?P<arch>[^\]]+)\]\)")
_STRANGE = re.compile(r"^[-./]|[\s\x00-\x1f\x7f]|\.deb$")
"""What apt would take for an option or a package file of this machine."""

_LIMITS = process.Limits(seconds=600)


def resolve(request: PackageRequest, context: ResolveContext) -> Resolution:
    """Ask apt for the essential set, ``apt`` and the request's lists, from an empty package database.

    Raises:
        ResolveError: unknown package, conflict, unreachable or unsigned repository.
        HostError: apt is not installed, or no keyring is.
    """
    if shutil.which("apt-get") is None:
        raise apt_missing()
    workspace = Workspace.make(request, context)
    _update(workspace, context)
    lists = fetched_lists(workspace)
    workspace.write_pins(request, [each.text for each in lists])
    chosen = _simulate(workspace, request, context)
    stanzas = stanzas_of(workspace.sources, lists, chosen)
    return Resolution(
        solver=Solver(name="apt", version=_apt_version(workspace), recommends=request.recommends),
        repositories=tuple(
            _locked_repository(source, files, context)
            for source, files in zip(workspace.sources, lists, strict=True)
        ),
        packages=_locked_packages(stanzas, request),
    )


def _update(workspace: Workspace, context: ResolveContext) -> None:
    try:
        _apt(["apt-get", "update"], workspace, context, context.sink or _ignore)
    except BuildError as error:
        raise _update_error(error.log_tail) from error


def _apt(argv: Sequence[str], workspace: Workspace, context: ResolveContext, sink: LineSink) -> None:
    logins = (source.login.password for source in workspace.sources if source.login is not None)
    redact = Redactor.of([*context.credentials.secrets, *logins])
    process.run(argv, env=workspace.environment, sink=sink, limits=_LIMITS, redact=redact)


def _update_error(tail: Sequence[str]) -> ResolveError:
    reasons = [line.partition(":")[2].strip() for line in tail if line.startswith(("E:", "Err:", "W: GPG error"))]
    text = "\n".join(tail)
    if "is not signed" in text or "NO_PUBKEY" in text or "BADSIG" in text or "GPG error" in text:
        return ResolveError(
            "a repository is not signed by a key that may sign it",
            why=reasons[-1] if reasons else None,
            hint="name its key with <signing key='…'/>; for a repository that is never signed set "
            'repository_gpgcheck="false" and pass --allow-unsigned-repositories',
            log_tail=tail,
        )
    if "is expired" in text:
        return ResolveError(
            "a repository's index is past its Valid-Until",
            why=reasons[-1] if reasons else None,
            hint="the mirror is stale, or somebody holds updates back: choose another with --mirror NAME=URL; "
            "for a snapshot pass --allow-expired-repositories",
            log_tail=tail,
        )
    return ResolveError(
        "the package indices cannot be fetched",
        why=reasons[0] if reasons else None,
        hint="check the network and the <source path>; --mirror NAME=URL chooses another mirror",
        log_tail=tail,
    )


def _simulate(workspace: Workspace, request: PackageRequest, context: ResolveContext) -> list[Identity]:
    wanted = ["?essential", "apt", *request.bootstrap, *request.image]
    if strange := [name for name in wanted if _STRANGE.search(name)]:
        raise ResolveError(f"{strange[0]!r} cannot be the name of a package", where="<package>")
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        (context.sink or _ignore)(line)

    argv = ["apt-get", "-q", "-y", "--simulate", "install", "--", *dict.fromkeys(wanted)]
    try:
        _apt(argv, workspace, context, keep)
    except BuildError as error:
        raise _simulate_error(lines) from error
    return [(found["name"], found["version"], found["arch"]) for line in lines if (found := _INSTALL.match(line))]


def _simulate_error(lines: Sequence[str]) -> ResolveError:
    errors = [line.removeprefix("E: ") for line in lines if line.startswith("E: ")]
    unknown = [line.removeprefix("Unable to locate package ") for line in errors if "Unable to locate" in line]
    if unknown:
        return ResolveError(
            f"unknown package{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}",
            why="no repository of the description has it",
            hint="check the spelling, the distribution and the components of the <repository> elements",
        )
    conflict = [line.strip() for line in lines if "Depends:" in line or "Conflicts:" in line or "Breaks:" in line]
    return ResolveError(
        "apt finds no way to install the packages together",
        why="; ".join(conflict) or (errors[-1] if errors else None),
        hint="the lines above name the packages that do not fit together",
        log_tail=lines[-40:],
    )


def _locked_repository(source: Source, files: Lists, context: ResolveContext) -> LockedRepository:
    path = files.release
    keys = signers(path, source.keyring, files.signature) if source.plan.verify else ()
    return LockedRepository(
        id=source.plan.alias,
        uri=strip_credentials(source.plan.uri),
        distribution=source.plan.distribution,
        components=source.plan.components,
        index=release_digest(path),
        date=release_date(path),
        keys=keys,
        verified=source.plan.verify,
        expiry_checked=not context.allow_expired,
    )


def _locked_packages(stanzas: dict[Identity, Stanza], request: PackageRequest) -> tuple[LockedPackage, ...]:
    by_name = {name: stanza for (name, _, _), stanza in stanzas.items()}
    essential = {name for name, stanza in by_name.items() if stanza.field("Essential") == "yes"}
    first = closure(by_name, essential | {"apt"} | {_bare(name) for name in request.bootstrap})
    asked = {"apt"} | {_bare(name) for name in (*request.bootstrap, *request.image)}
    packages = [
        _locked_package(
            stanza,
            phase="bootstrap" if name in first or not request.image else "image",
            reason="essential" if name in essential else "requested" if name in asked else "dependency",
        )
        for (name, _, _), stanza in stanzas.items()
    ]
    return tuple(sorted(packages, key=lambda package: (package.name, package.arch)))


def _locked_package(stanza: Stanza, *, phase: str, reason: str) -> LockedPackage:
    name, source = stanza.field("Package"), stanza.source.plan.alias
    if not stanza.field("SHA256"):
        raise ResolveError(f"the index gives no SHA256 for {name}", hint="the repository is too old to trust")
    try:
        # Checked as a lock of somebody else is: a path must not climb, a digest must be one.
        return msgspec.convert(
            {
                "name": name,
                "version": stanza.field("Version"),
                "arch": stanza.field("Architecture"),
                "repository": source,
                "path": unquote(stanza.field("Filename")).removeprefix("./"),
                "sha256": stanza.field("SHA256"),
                "size": stanza.field("Size"),
                "source": stanza.field("Source").partition(" ")[0] or name,
                "phase": phase,
                "reason": reason,
            },
            LockedPackage,
            strict=False,
        )
    except msgspec.ValidationError as error:
        raise ResolveError(f"repository {source} describes {name} wrongly", why=str(error)) from error


def _bare(name: str) -> str:
    """``vim=2:9.0``, ``vim:amd64`` and ``vim/bookworm`` all ask for vim."""
    return re.split(r"[=:/]", name, maxsplit=1)[0]


def _apt_version(workspace: Workspace) -> str:
    done = process.run(["apt-get", "--version"], env=workspace.environment)
    return done.stdout.decode().split()[1]


def _ignore(_line: str) -> None:
    return None
