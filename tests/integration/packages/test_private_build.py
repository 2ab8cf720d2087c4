# SPDX-License-Identifier: Apache-2.0
"""From a description with a private repository to a tree: the login opens it, and is nowhere afterwards."""

from __future__ import annotations

import base64
import functools
import http.server
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import AptRepo, Signer, tiny_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.owners]

PROJECT = Path(__file__).parents[3]
DESCRIPTION = """<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.0" name="tiny">
  <description type="system"><author>T</author><contact>t@example.org</contact><specification>T</specification>
  </description>
  <preferences>
    <version>1.0.0</version><packagemanager>apt</packagemanager><type image="tbz"/>
  </preferences>
  <certificates target_distribution="debian"><certificate name="ca.pem"/></certificates>
  <repository type="apt-deb" alias="tiny" distribution="stable" username="user" password="canary-pass">
    <source path="{url}"><signing key="this://key.asc"/></source>
  </repository>
  <repository type="apt-deb" alias="later" distribution="bookworm" imageonly="true">
    <source path="mirror://debian"><signing key="this://key.asc"/></source>
  </repository>
  <packages type="bootstrap"><package name="dpkg"/></packages>
  <packages type="image"><package name="hello"/></packages>
</image>
"""


class Private(http.server.SimpleHTTPRequestHandler):
    wanted = "Basic " + base64.b64encode(b"user:canary-pass").decode()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == self.wanted:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def private(root: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Private, directory=str(root)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_private_repository_builds_and_its_login_is_nowhere(tmp_path: Path) -> None:
    repo = AptRepo(tmp_path / "repo")
    for deb in tiny_distribution(tmp_path / "debs"):
        repo.add(deb)
    image = tmp_path / "image"
    image.mkdir()
    (image / "ca.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    with Signer.make(tmp_path / "gpg") as signer, private(repo.root) as url:
        repo.write(signer)
        (image / "key.asc").write_bytes(signer.public())
        (image / "config.xml").write_text(DESCRIPTION.format(url=url))
        done = subprocess.run(
            [sys.executable, "-m", "runner", "-v", "prepare", image, "--root", tmp_path / "tree"],
            cwd=PROJECT,
            env={**os.environ, "PACKHOUSE_STORE": str(tmp_path / "store")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    tree = tmp_path / "tree"
    assert (tree / "usr/local/share/ca-certificates/ca.crt").is_file()
    assert "mirrors.kernel.org" in (tree / "etc/apt/sources.list.d/later.sources").read_text()
    assert not (tree / "usr/sbin/policy-rc.d").exists()
    assert f"{url}" in (tree / "image/config.xml").read_text()
    places = [tree, tmp_path / "store"]
    found = subprocess.run(["grep", "-rl", "canary-pass", *places], capture_output=True, text=True, check=False)
    assert (found.stdout, "canary-pass" in done.stdout + done.stderr) == ("", False)
