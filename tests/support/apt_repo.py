# SPDX-License-Identifier: Apache-2.0
"""A tiny signed apt repository made on the spot, and a whole "distribution" of three packages to install from it.

The distribution's one essential package holds this machine's own dpkg, shell and a few tools: building an image of
it takes a second or two and no network, so every way to fail can be tried.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "stable"
EPOCH = 1_700_000_000
_DATE = "Tue, 14 Nov 2023 22:13:20 UTC"
_TOOLS = (
    *("sh", "bash", "dpkg", "dpkg-deb", "dpkg-query", "dpkg-split", "dpkg-trigger", "tar", "rm", "ldconfig"),
    *(
        "start-stop-daemon",
        "cat",
        "chmod",
        "chown",
        "cp",
        "cut",
        "date",
        "dd",
        "echo",
        "env",
        "diff",
        "find",
        "grep",
        "head",
    ),
    *(
        "id",
        "kill",
        "ln",
        "ls",
        "mkdir",
        "mv",
        "ps",
        "sed",
        "seq",
        "setsid",
        "sleep",
        "sort",
        "touch",
        "true",
        "tr",
    ),
    *("stat", "getent", "useradd", "usermod", "groupadd", "chpasswd", "update-alternatives", "perl"),
)


@dataclass(frozen=True, slots=True)
class Signer:
    """A throw-away OpenPGP key in a home of its own."""

    home: Path

    @classmethod
    @contextlib.contextmanager
    def make(cls, home: Path) -> Iterator[Signer]:
        home.mkdir(mode=0o700, parents=True)
        signer = cls(home)
        try:
            signer._gpg("--passphrase", "", "--quick-generate-key", "repo@example.org", "ed25519", "sign", "0")
            yield signer
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)

    def public(self) -> bytes:
        return self._gpg("--armor", "--export")

    def sign(self, text: bytes) -> bytes:
        return self._gpg("--clearsign", "--digest-algo", "SHA256", stdin=text)

    def _gpg(self, *args: str, stdin: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--pinentry-mode", "loopback", *args]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@dataclass(slots=True)
class AptRepo:
    """A repository below ``root``: add packages to it, then :meth:`write` its indices."""

    root: Path
    debs: dict[str, Path] = field(default_factory=dict)

    def add(self, deb: Path) -> None:
        pool = self.root / "pool"
        pool.mkdir(parents=True, exist_ok=True)
        self.debs[deb.name] = Path(shutil.copy2(deb, pool / deb.name))

    def file(self, name: str) -> Path:
        """The file of the package called ``name``."""
        return next(path for file, path in self.debs.items() if file.startswith(f"{name}_"))

    def write(self, signer: Signer | None) -> None:
        """Write ``Packages`` and ``InRelease``; without a signer an unsigned ``Release`` instead."""
        index = "\n".join(_stanza(path) for _, path in sorted(self.debs.items())).encode()
        name = f"main/binary-{architecture()}/Packages"
        dist = self.root / "dists" / SUITE
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).write_bytes(index)
        release = (
            f"Origin: Tests\nLabel: Tests\nSuite: {SUITE}\nCodename: {SUITE}\nDate: {_DATE}\n"
            f"Architectures: {architecture()}\nComponents: main\n"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {name}\n"
        ).encode()
        for old in ("InRelease", "Release"):
            (dist / old).unlink(missing_ok=True)
        if signer is None:
            (dist / "Release").write_bytes(release)
        else:
            (dist / "InRelease").write_bytes(signer.sign(release))


class Mirror(http.server.ThreadingHTTPServer):
    """Serves a folder on the loopback interface.

    Attributes:
        instead: file name to bytes served in its place.
        stall: while set, answers wait.
        asked: paths of all requests.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(root)))
        self.instead: dict[str, bytes] = {}
        self.go = threading.Event()
        self.go.set()
        self.stall_on = ""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Mirror)
        name = self.path.rpartition("/")[2]
        self.server.asked.append(self.path)
        if self.server.stall_on and self.server.stall_on in self.path:
            self.server.go.wait(60)
        with contextlib.suppress(ConnectionError):
            if name in self.server.instead:
                body = self.server.instead[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Mirror]:
    """Serve ``root`` while the block runs."""
    with Mirror(root) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.go.set()
            server.shutdown()
            thread.join()


def architecture() -> str:
    done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, check=True, text=True)
    return done.stdout.strip()


def build_deb(
    folder: Path,
    name: str,
    content: Path,
    *,
    version: str = "1.0",
    scripts: dict[str, str] | None = None,
    own: bool = False,
    **more: str,
) -> Path:
    """Pack the files in ``content`` as a package; ``more`` are control fields.

    All files belong to root, or with ``own`` to whom they belong to here.
    """
    control = content / "DEBIAN"
    control.mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": architecture(),
        "Maintainer": "Tests <tests@example.org>",
        "Description": f"{name} for tests",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    for script, text in (scripts or {}).items():
        (control / script).write_text(text)
        (control / script).chmod(0o755)
    target = folder / f"{name}_{version}_{architecture()}.deb"
    owners = () if own else ("--root-owner-group",)
    subprocess.run(
        ["dpkg-deb", "--build", *owners, "-Zgzip", "-z1", content, target],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
        check=True,
        capture_output=True,
    )
    shutil.rmtree(content)
    return target


def tiny_distribution(folder: Path) -> list[Path]:
    """Build the packages dpkg (essential: all the tools), apt (empty), hello and linux-image-tiny.

    Hello is a file and a postinst. The kernel is none, but lies where one does.
    """
    folder.mkdir(parents=True)
    root = tree.build(folder / "base", _TOOLS)
    for name in ("bin", "lib", "lib64"):
        if (root / name).is_dir():
            shutil.copytree(root / name, root / "usr" / name, dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(root / name)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/shadow").write_text("root:*:19000:0:99999:7:::\n")
    for name in ("root", "usr/sbin", "var/lib/dpkg/info", "var/log", "run", "proc", "dev", "sys"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").rmdir()
    hello = folder / "hello"
    (hello / "usr/share/hello").mkdir(parents=True)
    (hello / "usr/share/hello/greeting").write_text("hello\n")
    kernel = folder / "kernel"
    for name in ("boot/vmlinuz-6.1", "usr/lib/modules/6.1/modules.order"):
        (kernel / name).parent.mkdir(parents=True)
        (kernel / name).write_text("a kernel\n")
    postinst = "#!/bin/sh\nset -e\necho configuring hello\n"
    return [
        build_deb(folder, "dpkg", root, Essential="yes"),
        build_deb(folder, "apt", folder / "apt", Depends="dpkg"),
        build_deb(folder, "hello", hello, scripts={"postinst": postinst}, Depends="dpkg"),
        build_deb(folder, "linux-image-tiny", kernel, Depends="dpkg"),
    ]


def _stanza(deb: Path) -> str:
    control = subprocess.run(["dpkg-deb", "--field", deb], capture_output=True, check=True, text=True).stdout
    data = deb.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return f"{control.rstrip()}\nFilename: pool/{deb.name}\nSize: {len(data)}\nSHA256: {digest}\n"
