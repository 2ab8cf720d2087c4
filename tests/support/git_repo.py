# SPDX-License-Identifier: Apache-2.0
"""Make real git repositories with fixed authors and times, whatever the machine's git configuration says."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1_700_000_000
"""Committer time of the first commit, seconds since 1970; each further one is a second later."""


@dataclass(slots=True)
class GitRepo:
    """A repository with a work tree at ``path``."""

    path: Path
    commits: int = 0

    @classmethod
    def create(cls, path: Path, *, sha256: bool = False) -> GitRepo:
        path.mkdir(parents=True)
        repo = cls(path)
        repo.git("init", "-q", "-b", "main", f"--object-format={'sha256' if sha256 else 'sha1'}")
        return repo

    def git(self, *args: str, stdin: str = "", **environment: str) -> str:
        """Run git in the repository, return its output without the line end."""
        time = f"{EPOCH + max(self.commits - 1, 0)} +0000"
        env = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "An Author",
            "GIT_AUTHOR_EMAIL": "author@example.org",
            "GIT_COMMITTER_NAME": "An Author",
            "GIT_COMMITTER_EMAIL": "author@example.org",
            "GIT_AUTHOR_DATE": time,
            "GIT_COMMITTER_DATE": time,
            "GIT_ALLOW_PROTOCOL": "file",
            **environment,
        }
        done = subprocess.run(
            ["git", *args], input=stdin.encode(), cwd=self.path, env=env, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, files: dict[str, str]) -> None:
        """Write text files, by path relative to the top."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, files: dict[str, str] | None = None, message: str = "Change") -> str:
        """Write ``files``, commit everything, return the commit id."""
        self.write(files or {})
        self.commits += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
