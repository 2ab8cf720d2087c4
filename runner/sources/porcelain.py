# SPDX-License-Identifier: Apache-2.0
"""GitPython's command object, with its process launching replaced by ours.

GitPython starts git in the caller's whole environment; here every command goes through a
:class:`~runner.sources.session.Session` instead. What remains of GitPython is its command interface and its
guards against option and protocol injection, a second line behind our own. Import this module late: GitPython
takes longer to load than git takes to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git import Git
from git.exc import UnsafeOptionError, UnsafeProtocolError

from runner.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sources.session import Session

_UNSAFE_FETCH_OPTIONS = ["--upload-pack", "--exec", "-u"]


class HardenedGit(Git):
    """``HardenedGit(session).ls_remote(...)`` and the like: runs in ``session``, returns standard output as text.

    Raises:
        GitFault: git ended with an error.
        LimitError: the session's deadline has passed.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def execute(self, command: str | Sequence[Any], *_args: Any, **_options: Any) -> Any:
        """Run ``command`` (its first word is replaced by plain ``git``)."""
        words = [command] if isinstance(command, str) else [str(word) for word in command]
        return self._session.run(*words[1:]).decode("utf-8", "surrogateescape").rstrip("\n")

    def remote_refs(self, url: str, *patterns: str) -> str:
        """Return what ``git ls-remote --symref`` prints for ``url``."""
        try:
            return str(self.ls_remote("--symref", "--", url, *patterns))
        except (UnsafeOptionError, UnsafeProtocolError) as error:
            raise SourceError("the address of the repository is not safe to use", why=str(error)) from error

    def fetch_into(self, url: str, refspecs: Sequence[str], *options: str) -> None:
        """Fetch ``refspecs`` from ``url`` into the session's repository."""
        try:
            self.check_unsafe_protocols(url)
            self.check_unsafe_options(list(options), _UNSAFE_FETCH_OPTIONS)
        except (UnsafeOptionError, UnsafeProtocolError) as error:
            raise SourceError("the address of the repository is not safe to use", why=str(error)) from error
        self.fetch("--quiet", "--no-tags", "--no-write-fetch-head", *options, "--", url, *refspecs)

    def push_to(self, url: str, refspec: str, *, lease: str) -> None:
        """Push ``refspec`` to ``url`` where the ref is what ``lease``, ``REF:COMMIT``, says; no commit, no ref."""
        try:
            self.check_unsafe_protocols(url)
        except UnsafeProtocolError as error:
            raise SourceError("the address of the repository is not safe to use", why=str(error)) from error
        self.push("--quiet", "--no-follow-tags", f"--force-with-lease={lease}", "--", url, refspec)
