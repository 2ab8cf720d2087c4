# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess

import pytest

from runner.errors import SourceError
from runner.sources.address import Address, Login
from runner.sources.credentials import handed_over, login_for, secrets_of

PLAIN = Address("https://example.org/r", "https")


def test_login_of_the_environment() -> None:
    env = {"PACKHOUSE_GIT_USERNAME": "alice", "PACKHOUSE_GIT_PASSWORD": "hunter22"}
    assert login_for(PLAIN, env) == Login("alice", "hunter22")
    assert login_for(PLAIN, {"PACKHOUSE_GIT_PASSWORD": "token123"}) == Login("x-access-token", "token123")
    assert login_for(PLAIN, {"PACKHOUSE_GIT_USERNAME": "alice"}) is None
    assert login_for(Address("git@example.org:r", "ssh"), env) is None


def test_login_of_the_url_wins() -> None:
    env = {"PACKHOUSE_GIT_PASSWORD": "from-env"}
    assert login_for(Address("https://h/r", "https", Login("bob", "from-url")), env) == Login("bob", "from-url")
    assert login_for(Address("https://h/r", "https", Login("bob", "")), env) == Login("bob", "from-env")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://alice:hunter22@example.org/r", {"hunter22"}),
        ("https://alice:p%40ss%2Fword@example.org/r", {"p%40ss%2Fword", "p@ss/word"}),
        ("https://tokentoken@example.org/r", {"tokentoken"}),
        ("ssh://git@example.org/r", set()),
        ("git@example.org:r", set()),
        ("https://alice:hunter22@[broken/r", {"hunter22"}),
        ("", set()),
        ("/srv/x", set()),
    ],
)
def test_secrets_of_a_source(source: str, expected: set[str]) -> None:
    assert set(secrets_of(source, {})) == expected


def test_secrets_of_the_environment() -> None:
    env = {"PACKHOUSE_GIT_PASSWORD": "hunter22", "https_proxy": "http://me:proxypass@proxy:3128"}
    assert set(secrets_of("/srv/x", env)) == {"hunter22", "proxypass"}


def _ask(config: tuple[tuple[str, str], ...], pass_fds: tuple[int, ...], url: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    env |= {"GIT_CONFIG_COUNT": str(len(config)), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false"}
    for number, (key, value) in enumerate(config):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    assert not any("hunter22" in value for value in env.values())
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=f"url={url}\n\n".encode(),
        env=env,
        pass_fds=pass_fds,
        capture_output=True,
        check=False,
    )
    return done.stdout.decode()


def test_git_gets_the_login_for_its_host_only() -> None:
    with handed_over(PLAIN, {"PACKHOUSE_GIT_USERNAME": "alice", "PACKHOUSE_GIT_PASSWORD": "hunter22"}) as handover:
        for _ in range(2):  # a login is asked for more than once
            answer = _ask(handover.config, handover.pass_fds, "https://example.org/r")
            assert "username=alice\npassword=hunter22\n" in answer
        assert "hunter22" not in _ask(handover.config, handover.pass_fds, "https://example.com/r")
        assert "hunter22" not in _ask(handover.config, handover.pass_fds, "http://example.org/r")
        assert "hunter22" not in _ask(handover.config, handover.pass_fds, "https://example.org:8443/r")


def test_memory_file_is_closed_afterwards() -> None:
    with handed_over(PLAIN, {"PACKHOUSE_GIT_PASSWORD": "hunter22"}) as handover:
        handle = handover.pass_fds[0]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


def test_helper_of_the_user_has_its_home() -> None:
    helper = "!f() { echo username=$HOME; echo password=from-helper; }; f"
    with handed_over(PLAIN, {"PACKHOUSE_GIT_CREDENTIAL_HELPER": helper, "HOME": "/home/it's me"}) as handover:
        answer = _ask(handover.config, handover.pass_fds, "https://example.org/r")
    assert "username=/home/it's me\npassword=from-helper\n" in answer


def test_line_breaks_cannot_smuggle_fields() -> None:
    env = {"PACKHOUSE_GIT_PASSWORD": "hunter22\nhost=evil.example"}
    with pytest.raises(SourceError, match="line break") as caught, handed_over(PLAIN, env):
        pass
    assert "hunter22" not in str(caught.value)
