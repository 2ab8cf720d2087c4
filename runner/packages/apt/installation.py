# SPDX-License-Identifier: Apache-2.0
"""Locked Debian packages into a root tree, by the tree's own dpkg, inside the sandbox.

A tree that has no dpkg yet cannot install one. So the payload of the essential set and of what it needs is first
laid out as plain files; from there on the tree's dpkg installs everything properly, that set first (again, this
time with its scripts and its entry in the database), then the rest so that every pre-dependency is configured
before its user is unpacked. This is how debootstrap and mmdebstrap begin a tree too.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from runner import process
from runner.errors import BuildError
from runner.packages.apt.containment import check_contained
from runner.packages.apt.deb import Deb, package_errors, read_deb
from runner.packages.apt.dependencies import closure, install_batches
from runner.packages.apt.unpacked import unpack_all
from runner.prepare.paths import TreePaths
from runner.sandbox.api import Bind, Command
from runner.sandbox.environment import BASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from runner.packages.api import InstallContext, PackageFile

_DEBS = "/run/packhouse/packages"
_MERGED_USR = {
    "amd64": ("lib32", "lib64", "libx32"),
    "i386": ("lib64", "libx32"),
    "ppc64el": ("lib64",),
    "mips64el": ("lib32", "lib64"),
}
"""Library folders beside bin, lib and sbin that a merged /usr has before base-files ships the links itself."""

_POLICY_RC_D = "/usr/sbin/policy-rc.d"
_NO_SERVICE = b"#!/bin/sh\n# Installed while the image is built: no service may start.\nexit 101\n"
_DPKG_FORCE = ("--force-unsafe-io", "--force-confnew", "--no-pager")
_DOCS = (
    "--path-exclude=/usr/share/man/*",
    "--path-exclude=/usr/share/doc/*",
    "--path-include=/usr/share/doc/*/copyright",
)
_DOC_FOLDERS = ("/usr/share/man", "/usr/share/doc")
_BROKEN = re.compile(r"^(?:dpkg: error processing (?:package|archive) (\S+)|Errors were encountered while)")


def install(files: tuple[PackageFile, ...], context: InstallContext) -> None:
    """Install ``files`` into the empty tree ``context.root``.

    Raises:
        BuildError: a package cannot be unpacked or configured; the error names it.
    """
    debs = [read_deb(file.path, name=f"{file.package.name} ({file.package.path})") for file in files]
    for file, deb in zip(files, debs, strict=True):
        _check_is_the_locked(file, deb)
    by_name = {deb.field("Package"): deb for deb in debs}
    phases = {file.package.name: file.package.phase for file in files}
    twins = unpack_all(debs, context.work / "packages")
    # Where it is not told that it is in a chroot, libc6 waits a second for an init that is not there.
    (context.work / "packages" / "ischroot").write_text("#!/bin/sh\nexit 0\n")
    (context.work / "packages" / "ischroot").chmod(0o755)
    installer = _Installer(context, twins)
    try:
        _lay_out(by_name, installer)
        first = [name for name, phase in sorted(phases.items()) if phase == "bootstrap"]
        installer.install_all({name: by_name[name] for name in first}, installed=set())
        if context.after_bootstrap is not None:
            context.after_bootstrap()
        if len(first) < len(by_name):
            installer.install_all(by_name, installed=set(first))
        installer.finish()
        _mark_automatic(files, by_name["dpkg"].field("Architecture"), TreePaths(context.root))
    finally:
        shutil.rmtree(context.work / "packages", ignore_errors=True)
        _take_ours_out(TreePaths(context.root))


def _take_ours_out(paths: TreePaths) -> None:
    """Remove what only the installation needed, wherever a package has led its path inside the tree."""
    if paths.resolve("/run").is_dir():
        paths.remove("/run/packhouse")
    policy = paths.resolve(_POLICY_RC_D, follow_last=False)
    if policy.is_file() and not policy.is_symlink() and policy.read_bytes() == _NO_SERVICE:
        policy.unlink()  # another one came with a package and is the image's


def _check_is_the_locked(file: PackageFile, deb: Deb) -> None:
    locked = (file.package.name, file.package.version, file.package.arch)
    found = (deb.field("Package"), deb.field("Version"), deb.field("Architecture"))
    if locked != found:
        raise BuildError(
            f"{file.package.path} is not the package that the lock names",
            why=f"it says it is {' '.join(found)}, the lock says {' '.join(locked)}",
            hint="make the lock anew: packhouse lock SOURCE --update",
        )


def _mark_automatic(files: Iterable[PackageFile], native: str, paths: TreePaths) -> None:
    """Tell the tree's apt which packages came only because others need them (apt-mark(8), its state file)."""
    names = sorted(file.package.name for file in files if file.package.reason == "dependency")
    states = "".join(f"Package: {name}\nArchitecture: {native}\nAuto-Installed: 1\n\n" for name in names)
    paths.write("/var/lib/apt/extended_states", states.encode())


class _Installer:
    """Runs the tree's dpkg on package files shown to it read-only."""

    def __init__(self, context: InstallContext, twins: Mapping[Path, Path]) -> None:
        self.context = context
        self.twins = twins
        self._essential: set[str] = set()

    def mark_laid_out(self, names: Iterable[str]) -> None:
        """Remember what lies in the tree as plain files and must be installed first, all at once."""
        self._essential = set(names)

    def install_all(self, by_name: Mapping[str, Deb], installed: set[str]) -> None:
        done = set(installed)
        if self._essential:
            names = sorted(self._essential)
            # Its members depend on each other in circles that only the laid-out files break.
            self._dpkg(["--install", "--force-depends", "--no-triggers"], (by_name[name] for name in names))
            done |= self._essential
            self._essential = set()
        for batch in install_batches(by_name, done):
            self._dpkg(["--install", "--no-triggers"], (by_name[name] for name in batch))

    def finish(self) -> None:
        """Run the triggers once for all, and let dpkg say whether it is content."""
        self._dpkg(["--configure", "--pending"], ())
        audit = self._run(["dpkg", "--audit"], "dpkg --audit")
        if audit:
            raise BuildError("packages were left half installed", log_tail=audit)

    def _dpkg(self, action: Sequence[str], debs: Iterable[Deb]) -> None:
        names = [f"{_DEBS}/{self.twins[deb.path].name}" for deb in debs]
        docs = _DOCS if self.context.exclude_docs else ()
        self._run(["dpkg", *_DPKG_FORCE, *docs, *action, *names], "package installation")

    def _run(self, argv: Sequence[str], what: str) -> tuple[str, ...]:
        lines: list[str] = []

        def sink(line: str) -> None:
            lines.append(line)
            self.context.sink(line)

        command = Command(
            root=self.context.root,
            argv=tuple(argv),
            env={
                "DEBIAN_FRONTEND": "noninteractive",
                "DEBCONF_NONINTERACTIVE_SEEN": "true",
                "DEBCONF_NOWARNINGS": "yes",
                "SOURCE_DATE_EPOCH": str(self.context.epoch),
                "INITRD": "No",
                "PATH": f"{_DEBS}:{BASE['PATH']}",
            },
            binds=(Bind(self.context.work / "packages", _DEBS),),
            limits=process.Limits(seconds=3600),
            what=what,
        )
        try:
            self.context.sandbox.run(command, sink=sink)
        except BuildError as error:
            raise _package_error(lines, self.twins, error) from error
        return tuple(lines)


def _package_error(lines: Sequence[str], twins: Mapping[Path, Path], error: BuildError) -> BuildError:
    broken = [match[1] for line in lines if (match := _BROKEN.match(line)) and match[1]]
    titles = {f"{_DEBS}/{twin.name}": read_deb(path).field("Package") for path, twin in twins.items()}
    names = list(dict.fromkeys(titles.get(name, name) for name in broken))
    if not names:
        return error
    return BuildError(
        f"package {names[0]} cannot be installed" if len(names) == 1 else f"packages fail: {', '.join(names)}",
        why=error.what,
        hint="the lines below are the end of dpkg's log",
        log_tail=error.log_tail,
    )


def _lay_out(by_name: Mapping[str, Deb], installer: _Installer) -> None:
    """Put the essential set's files into the tree, with an empty package database."""
    root = installer.context.root
    essential = {name for name, deb in by_name.items() if deb.field("Essential") == "yes"}
    names = closure(by_name, essential | ({"dpkg"} & by_name.keys()))
    if "dpkg" not in names:
        raise BuildError("the package set has no dpkg", hint="the essential set must be part of it")
    architecture = by_name["dpkg"].field("Architecture")
    _skeleton(root, installer.twins[by_name["base-files"].path] if "base-files" in by_name else None, architecture)
    made = {path.name: str(path.readlink()) for path in root.iterdir() if path.is_symlink()}
    check_contained((installer.twins[by_name[name].path] for name in sorted(names)), made)
    (root / "usr/sbin").mkdir(parents=True, exist_ok=True)  # tar keeps a link to a folder only when that is there
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        list(workers.map(lambda name: _extract(installer.twins[by_name[name].path], root), sorted(names)))
    paths = TreePaths(root)
    if installer.context.exclude_docs:
        for name in _DOC_FOLDERS:  # dpkg brings back what its own filters let through
            paths.remove(name)
            paths.make_directory(name)
    _settle_folders(root, installer.context.epoch)
    paths.remove(_POLICY_RC_D)
    paths.write(_POLICY_RC_D, _NO_SERVICE, 0o755)
    installer.mark_laid_out(names)


def _settle_folders(root: Path, epoch: int) -> None:
    """Give every folder one time: which of the tars at work touched it last is chance."""
    for folder, _, _ in os.walk(root):
        os.utime(folder, (epoch, epoch))


def _skeleton(root: Path, base_files: Path | None, architecture: str) -> None:
    for name in ("etc", "dev", "proc", "run", "sys", "tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (root / name).mkdir(parents=True, exist_ok=True, mode=0o755)
    root.chmod(0o755)
    (root / "tmp").chmod(0o1777)
    (root / "var/lib/dpkg/status").touch()
    (root / "var/lib/dpkg/available").touch()
    if base_files is not None and _ships_merged_usr(base_files):
        return
    for name in ("bin", "lib", "sbin", *_MERGED_USR.get(architecture, ())):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")


def _ships_merged_usr(base_files: Path) -> bool:
    """Whether base-files brings the links of a merged /usr itself, as it does since Debian 13."""
    deb = read_deb(base_files)
    with package_errors(base_files.name), base_files.open("rb") as stream:
        stream.seek(deb.data_offset)
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return any(member.issym() and member.name.removeprefix("./") == "bin" for member in tar)


def _extract(deb: Path, root: Path) -> None:
    """Lay the files of one package out; links that stand for folders (merged /usr) are kept."""
    payload = read_deb(deb)
    with deb.open("rb") as stream:
        stream.seek(payload.data_offset)
        data = stream.read(payload.data_size)
    process.run(
        [
            "tar",
            "--extract",
            "--file=-",
            f"--directory={root}",
            "--keep-directory-symlink",
            "--same-permissions",
            "--numeric-owner",
            "--same-owner",
            "--no-selinux",
        ],
        stdin=data,
        what=f"unpacking {deb.name}",
    )
