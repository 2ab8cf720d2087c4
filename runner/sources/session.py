# SPDX-License-Identifier: Apache-2.0
"""Run git as if on a bare machine: no one's configuration, no hooks, few transports, no prompts, a deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.process import Limits, LineSink, run, tool_environment
from runner.redact import Redactor
from runner.sources.credentials import PROXIES, Handover, secrets_of
from runner.sources.faults import GitFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_KEPT = (*PROXIES, "no_proxy", "NO_PROXY", "SSH_AUTH_SOCK", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "SSL_CERT_FILE")
"""Of the caller's environment: ways through the network. SUDO_UID is added so that root may read its caller's
repositories, as git itself has it."""
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=30"
_UMASK = 0o022
"""Modes of checked-out files must not depend on who runs us: they end up in images."""
_OUTPUT_BYTES = 256 << 20

_CONFIG = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.symlinks", "true"),
    ("transfer.fsckObjects", "true"),
    ("fetch.fsckObjects", "true"),
    # old commits of honest projects carry these; none of them can do harm
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("push.recurseSubmodules", "no"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("protocol.version", "2"),
    ("advice.detachedHead", "false"),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One use of git: what it may reach, how long, and what must stay unseen.

    Attributes:
        environment: all that git sees of the world.
        redact: masks the secrets of this session.
        deadline: on :func:`time.monotonic`'s clock; every git process ends by then.
        transports: the transports git may use.
        log: takes one line about each step.
        stop: asked while git runs whether it is to be ended.
    """

    environment: Mapping[str, str] = field(repr=False)
    redact: Redactor = field(repr=False)
    deadline: float
    transports: frozenset[str] = frozenset()
    log: LineSink | None = None
    pass_fds: tuple[int, ...] = ()
    stop: Callable[[], bool] | None = None

    def say(self, line: str) -> None:
        """Log one line."""
        if self.log is not None:
            self.log(self.redact(line))

    def within(self, **environment: str) -> Session:
        """Return the same session with more variables, such as ``GIT_DIR``."""
        return replace(self, environment={**self.environment, **environment})

    def configured(self, settings: Sequence[tuple[str, str]]) -> Session:
        """Return the same session with more git settings; they win over the repository's."""
        count = int(self.environment["GIT_CONFIG_COUNT"])
        return self.within(**_numbered(settings, count))

    def run(self, *args: str, cwd: Path | None = None, stdin: bytes | None = None) -> bytes:
        """Run ``git ARGS`` and return its standard output.

        Raises:
            GitFault: git ended with an error.
            LimitError: the deadline has passed.
            HostError: git is not installed.
            StoppedError: ``stop`` said so.
        """
        done = run(
            ("git", *args),
            env=self.environment,
            cwd=cwd,
            stdin=stdin,
            redact=self.redact,
            limits=Limits(max(self.deadline - time.monotonic(), 0.001), _OUTPUT_BYTES),
            pass_fds=self.pass_fds,
            umask=_UMASK,
            check=False,
            stop=self.stop,
        )
        if done.returncode != 0:
            raise GitFault(args[0], done.returncode, done.tail)
        return done.stdout


def open_session(
    source: str,
    *,
    env: Mapping[str, str],
    seconds: float,
    transports: frozenset[str] = frozenset(),
    handover: Handover | None = None,
    log: LineSink | None = None,
) -> Session:
    """Return a session for ``source`` with at most ``seconds`` to live. ``env`` is the caller's environment."""
    handover = handover or Handover()
    kept = {name: env[name] for name in (*_KEPT, "SUDO_UID") if name in env}
    environment = tool_environment(
        {
            **kept,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "SSH_ASKPASS": "false",
            "GIT_SSH_COMMAND": env.get("GIT_SSH_COMMAND", _SSH),
            # wins over any protocol.*.allow, also one in a repository's own configuration
            "GIT_ALLOW_PROTOCOL": ":".join(sorted(transports)) or "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            **_numbered((*_CONFIG, *handover.config), 0),
        }
    )
    redact = Redactor.of(secrets_of(source, env))
    return Session(environment, redact, time.monotonic() + seconds, transports, log, handover.pass_fds)


def _numbered(settings: Sequence[tuple[str, str]], start: int) -> dict[str, str]:
    """Spell settings as git takes them from the environment (git-config(1), GIT_CONFIG_COUNT)."""
    numbered = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (key, value) in enumerate(settings, start):
        numbered[f"GIT_CONFIG_KEY_{number}"] = key
        numbered[f"GIT_CONFIG_VALUE_{number}"] = value
    return numbered
