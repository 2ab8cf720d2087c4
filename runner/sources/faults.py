# SPDX-License-Identifier: Apache-2.0
"""Turn what git prints when it fails into errors a person can act on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import HostError, PackhouseError, SourceError


class GitFault(Exception):  # noqa: N818 - not an error yet: callers decide what it means
    """Git ended with an error; ``tail`` holds the last lines it printed, secrets removed."""

    def __init__(self, command: str, returncode: int, tail: tuple[str, ...]) -> None:
        super().__init__(f"git {command} ended with {returncode}")
        self.command = command
        self.returncode = returncode
        self.tail = tail

    def says(self, pattern: str) -> bool:
        """Tell whether git's messages match ``pattern``, whatever the case."""
        return re.search(pattern, "\n".join(self.tail), re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class _Meaning:
    pattern: str
    what: str
    hint: str


NOT_SERVED = (
    r"not our ref|unadvertised object|no such remote ref|couldn't find remote ref|cannot obtain needed object"
    r"|Server does not allow request"
)
NO_SHALLOW = r"does not support shallow|shallow capabilities"

_MEANINGS = (
    _Meaning(
        r"could not resolve host|name or service not known|temporary failure in name resolution",
        "the host of {url} is not known",
        "check the spelling of the host, and the network",
    ),
    _Meaning(
        r"terminal prompts disabled|could not read (username|password)|authentication failed|"
        r"error: 40[13]\b|unable to read askpass|invalid credentials",
        "{url} wants a login, or refuses the one it got, or does not exist",
        "set PACKHOUSE_GIT_USERNAME and PACKHOUSE_GIT_PASSWORD (a token), or PACKHOUSE_GIT_CREDENTIAL_HELPER",
    ),
    _Meaning(
        r"permission denied \((publickey|password|keyboard)",
        "{url} refuses every ssh key it was offered",
        "load a key into the ssh agent, or set GIT_SSH_COMMAND='ssh -i KEY'",
    ),
    _Meaning(
        r"host key verification failed",
        "the ssh host key of {url} is not known",
        "check the key, then add it to known_hosts (ssh-keyscan HOST)",
    ),
    _Meaning(
        r"ssl certificate|certificate verif|certificate verification|ssl_error|ssl: ",
        "the TLS certificate of {url} cannot be verified",
        "set GIT_SSL_CAINFO to the file of your certificate authority",
    ),
    _Meaning(
        r"dubious ownership",
        "{url} belongs to another user",
        "run as its owner, with sudo from its owner, or change the owner of the repository",
    ),
    _Meaning(
        r"operation too slow|timed out|connection refused|failed to connect|couldn't connect|"
        r"network is unreachable|no route to host|connection reset|empty reply|could not connect|"
        r"connection closed by",
        "{url} cannot be reached",
        "check host, port and network, then try again",
    ),
    _Meaning(
        r"remote rejected|hook declined|protected branch|not allowed to push",
        "{url} does not take the push",
        "give the login the right to push to that branch, or name another branch",
    ),
    _Meaning(
        r"repository .* not found|not found$|does not appear to be a git repo|no such file or directory|"
        r"does not exist|not a git repository|error: 404|repository not found|could not be found",
        "there is no git repository at {url}",
        "check the address; a private repository needs a login",
    ),
    _Meaning(
        NOT_SERVED,
        "the ref or commit has gone from {url}",
        "it was moved or deleted meanwhile: try again",
    ),
    _Meaning(
        r"fsck|invalid path|bad tree|malformed|index-pack failed",
        "{url} holds objects that are damaged or unsafe to check out",
        "run git fsck --strict in the repository",
    ),
    _Meaning(
        r"transport '.*' not allowed",
        "{url} leads to a transport that is not allowed",
        "use https or ssh",
    ),
)


def explain(fault: GitFault, url: str) -> PackhouseError:
    """Return the error that tells what ``fault`` means for the repository at ``url``."""
    why = _reason(fault.tail)
    if fault.says(r"no space left on device|disk quota exceeded"):
        return HostError(
            f"the disk is full while fetching {url}", why=why, hint="free space, or use another work folder"
        )
    for meaning in _MEANINGS:
        if fault.says(f"(?m){meaning.pattern}"):
            return SourceError(meaning.what.format(url=url), why=why, hint=meaning.hint, log_tail=fault.tail)
    return SourceError(
        f"git {fault.command} failed for {url}",
        why=why or f"it ended with code {fault.returncode}",
        hint="the messages of git are in the log",
        log_tail=fault.tail,
    )


def _reason(tail: tuple[str, ...]) -> str | None:
    """Pick the line of git that tells most: the first fatal one, else the last."""
    for line in tail:
        head, _, message = line.partition(": ")
        if head in {"fatal", "error", "ERROR"}:
            return message.strip()
    return tail[-1].strip() if tail else None
