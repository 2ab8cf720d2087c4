# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.errors import HostError, SourceError
from runner.sources.faults import GitFault, explain

URL = "https://example.org/r"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("fatal: repository 'https://example.org/r/' not found", "no git repository"),
        ("fatal: '/srv/x' does not appear to be a git repository", "no git repository"),
        ("fatal: unable to access 'https://example.org/r/': Could not resolve host: example.org", "is not known"),
        ("ssh: Could not resolve hostname example.org: Name or service not known", "is not known"),
        (
            "fatal: unable to access 'x': Failed to connect to h port 1 after 0 ms: Couldn't connect",
            "cannot be reached",
        ),
        ("fatal: could not read Username for 'https://example.org': terminal prompts disabled", "wants a login"),
        ("fatal: Authentication failed for 'https://example.org/r/'", "wants a login"),
        ("fatal: unable to access 'x': The requested URL returned error: 403", "wants a login"),
        ("git@example.org: Permission denied (publickey).", "refuses every ssh key"),
        ("Host key verification failed.", "host key"),
        ("fatal: unable to access 'x': server certificate verification failed. CAfile: none", "TLS certificate"),
        ("fatal: detected dubious ownership in repository at '/srv/x'", "belongs to another user"),
        (
            "error: object abc: gitmodulesUrl: disallowed submodule url\nfatal: fsck error in packed object",
            "unsafe",
        ),
        ("fatal: couldn't find remote ref refs/heads/x", "has gone from"),
        ("fatal: transport 'ext' not allowed", "not allowed"),
        ("! [remote rejected] x -> y (pre-receive hook declined)\nerror: failed to push", "not take the push"),
        ("ERROR: Permission to acme/x.git denied to deploy key", "git fetch failed"),
        ("fatal: something quite new", "git fetch failed"),
    ],
)
def test_meaning(line: str, what: str) -> None:
    error = explain(GitFault("fetch", 128, tuple(line.splitlines())), URL)
    assert isinstance(error, SourceError)
    assert what in error.what
    assert error.why
    assert error.hint


def test_full_disk_is_the_machine_s_fault() -> None:
    fault = GitFault("fetch", 128, ("fatal: write error: No space left on device", "fatal: index-pack failed"))
    assert isinstance(explain(fault, URL), HostError)


def test_silent_failure() -> None:
    assert explain(GitFault("fetch", -9, ()), URL).why == "it ended with code -9"
