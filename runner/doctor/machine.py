# SPDX-License-Identifier: Apache-2.0
"""Needs that are no program: Python, keys, namespaces, the store's filesystem, the mirror."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.doctor.check import Check
from runner.errors import PackhouseError
from runner.sandbox import identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.doctor.check import Host
    from runner.packages.mirrors import Mirrors

OLDEST_PYTHON = (3, 11)
NEEDED_BYTES = 4 << 30
_LIMITS = process.Limits(seconds=20)
_MIRROR = "mirror://debian"
_MIRROR_SECONDS = 5.0
_REFUSED = 400
_KEYRINGS = ("debian-archive-keyring.gpg", "ubuntu-archive-keyring.gpg")

_TRY_OVERLAY = """
cd "$1" && mkdir lower upper work merged && echo layer > lower/file || exit 1
mount -t overlay overlay -o "lowerdir=lower,upperdir=upper,workdir=work$2" merged &&
    echo changed > merged/file && rm merged/file && [ -c upper/file ] && [ ! -e merged/file ]
status=$?
umount merged
rm -rf lower upper work merged
exit $status
"""


def python(host: Host) -> Check:
    """The interpreter we run in."""
    return _check(
        f"Python ≥ {'.'.join(map(str, OLDEST_PYTHON))}",
        sys.version_info[:2] >= OLDEST_PYTHON,
        platform.python_version(),
        host.install({"*": "python3", "pacman": "python"}),
        "runs Packhouse",
    )


def keyrings(host: Host, folder: Path = Path("/usr/share/keyrings")) -> Check:
    """The distributions' public keys."""
    found = [name for name in _KEYRINGS if (folder / name).is_file()]
    return _check(
        "distribution keys",
        bool(found),
        ", ".join(found) or f"none in {folder}",
        host.install("debian-archive-keyring"),
        "repositories whose description names no signing key are verified with them",
    )


def owners(host: Host) -> Check:
    """Root, or namespaces with a range of ids."""
    try:
        mode, fix = identity.probe().mode, ""
    except PackhouseError as error:
        return _check(
            "real ownership",
            ok=False,
            found=error.what,
            fix=_command(error.hint or "", host),
            why="files of an image belong to many users",
        )
    found = {"root": "root", "subuid": "a range of subordinate ids"}[mode]
    return _check("real ownership", ok=True, found=found, fix=fix, why="files of an image belong to many users")


def namespaces(host: Host) -> Check:
    """Mount and process namespaces, in which every build runs."""
    name, why = "namespaces", "every build runs in namespaces of its own, which vanish with it"
    try:
        prefix = identity.probe().unshare
        done = process.run([*_unshare(prefix), "true"], limits=_LIMITS, check=False)
    except PackhouseError as error:
        return _check(name, ok=False, found=error.what, fix=_command(error.hint or "", host), why=why)
    fix = (
        host.as_root("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
        if prefix
        else "start the container with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined"
    )
    return _check(name, done.returncode == 0, "allowed" if done.returncode == 0 else " ".join(done.tail), fix, why)


def sandbox(host: Host) -> Check:
    """Which isolation programs of the image get."""
    from runner.sandbox.choose import VARIABLE  # the engine's own choice, made where it makes it

    name, why = "isolation", "programs of the image are cut off from this machine and the network"
    code = "from runner.sandbox.choose import choose; print(choose().mode)"
    try:
        prefix = _unshare(identity.probe().unshare)
        done = process.run([*prefix, sys.executable, "-I", "-c", code], limits=_LIMITS, check=False)
    except PackhouseError as error:
        return _check(name, ok=False, found=error.what, fix=_command(error.hint or "", host), why=why)
    found = done.stdout.decode().strip() or (done.tail[-1] if done.tail else "none works")
    return _check(name, done.returncode == 0, found, f"unset {VARIABLE}; {host.install('bubblewrap')}", why)


def space(store: Path) -> Check:
    """Free bytes where the store is, or will be."""
    free = shutil.disk_usage(_existing(store)).free
    return _check(
        "disk space in the store",
        free >= NEEDED_BYTES,
        f"{free / (1 << 30):.1f} GiB free in {store}",
        "choose a larger filesystem with: packhouse --store FOLDER",
        f"a build needs about {NEEDED_BYTES >> 30} GiB for packages, layers and results",
    )


def overlay(host: Host, store: Path) -> Check:
    """Whether overlayfs works on the store's filesystem, by doing it in a namespace of its own."""
    name, why = "overlayfs in the store", "stacks layers without copying; without it trees are copied"
    fix = "put the store on ext4, xfs or btrfs with: packhouse --store FOLDER"
    refusals: list[str] = []
    try:
        prefix = identity.probe().unshare
    except PackhouseError as error:
        hint = _command(error.hint or "", host)
        return _check(name, ok=False, found=error.what, fix=hint, why=why, required=False)
    try:
        with _folder(store) as folder:
            for options in ("", ",userxattr"):
                argv = ["sh", "-c", _TRY_OVERLAY, "overlay", str(folder), options]
                done = process.run([*_unshare(prefix), *argv], limits=_LIMITS, check=False)
                if done.returncode == 0:
                    return _check(name, ok=True, found="works", fix="", why=why, required=False)
                refusals += done.tail[:1]
    except (PackhouseError, OSError) as error:
        refusals = str(error).splitlines()
    return _check(name, ok=False, found=refusals[0] if refusals else "refused", fix=fix, why=why, required=False)


def mirror(mirrors: Mirrors) -> Check:
    """Whether the Debian mirror of this machine answers."""
    name, why = "package mirror", "packages that are neither in the store nor in storage are fetched from it"
    fix = "name a mirror you can reach with: export PACKHOUSE_MIRROR_DEBIAN=URL"
    try:
        url = mirrors.resolve(_MIRROR)
        answer = _head(f"{url}/dists/stable/Release")  # a folder's listing may be switched off
    except PackhouseError as error:
        return _check(name, ok=False, found=error.what, fix=fix, why=why)
    return _check(name, answer is None, url if answer is None else f"{url}: {answer}", fix, why)


def _head(url: str) -> str | None:
    """Return what is wrong with ``url``, None when nothing is."""
    import urllib3

    timeout = urllib3.Timeout(total=_MIRROR_SECONDS)
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
            status = pool.request("HEAD", url, redirect=True, retries=urllib3.Retry(0, redirect=3)).status
    except urllib3.exceptions.HTTPError as error:
        return type(error).__name__
    except OSError as error:
        return str(error)
    return f"status {status}" if status >= _REFUSED else None


def _unshare(prefix: tuple[str, ...]) -> list[str]:
    return ["unshare", *prefix, "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--"]


def _command(hint: str, host: Host) -> str:
    """A hint of the identity probe as a command: it says what to run as root after a colon."""
    return host.as_root(hint.removeprefix("run as root: ")) if hint.startswith("run as root: ") else hint


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


@contextmanager
def _folder(store: Path) -> Iterator[Path]:
    """A folder for a moment on the store's filesystem."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=_existing(store)) as name:
        yield Path(name)


def _check(name: str, ok: bool, found: str, fix: str, why: str, *, required: bool = True) -> Check:  # noqa: FBT001
    return Check(name, ok=ok, required=required, found=found, fix="" if ok else fix, why=why)
