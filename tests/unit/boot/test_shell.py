# SPDX-License-Identifier: Apache-2.0
"""Logging in and running scripts, at a real shell behind a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from runner.boot.console import Console, SilenceError
from runner.boot.model import FailedBootError, Login
from runner.boot.shell import log_in, run_script
from runner.boot.stages import LOGIN_PROMPT
from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

GETTY = r"""
printf 'Debian\n\nhost login: '; read -r user
if [ "$1" != none ]; then
    stty -echo; printf 'Password: '; read -r password; stty echo; echo
    [ "$user:$password" = "root:open sesame" ] || { echo; echo 'Login incorrect'; sleep 60; exit; }
fi
[ -z "$2" ] || echo "$2"
[ -z "$3" ] || { printf '# '; stty raw; dd bs=1 count="$3" >/dev/null 2>&1; stty sane; }
exec bash --norc -i
"""


class Terminal:
    """A program behind a pseudo terminal, as a serial port."""

    def __init__(self, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        self.program = subprocess.Popen(
            ["setsid", "--ctty", "sh", "-c", GETTY, "getty", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def read(self, seconds: float) -> bytes | None:
        if not select.select([self.ours], [], [], seconds)[0]:
            return None
        try:
            return os.read(self.ours, 7)  # small, so that everything is cut
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        os.write(self.ours, data)


@contextlib.contextmanager
def console(*arguments: str, seconds: float = 30) -> Iterator[Console]:
    port = Terminal(*arguments)
    try:
        made = Console(port, deadline=time.monotonic() + seconds, redact=Redactor())
        made.until(lambda line: True if LOGIN_PROMPT.search(line.text) else None)
        yield made
    finally:
        port.program.kill()
        port.program.wait()
        os.close(port.ours)


ROOT = Login("root", "open sesame")


@pytest.mark.parametrize("login", [ROOT, Login("root")])
def test_a_script_gives_its_lines_and_exit_code(login: Login) -> None:
    with console("" if login.password else "none") as made:
        log_in(made, login)
        assert run_script(made, b"echo one; echo two >&2; printf three; exit 7") == (7, ("one", "two", "three"))
        assert run_script(made, b"#!/bin/bash\necho ${BASH_VERSION:+bash}\n") == (0, ("bash",))
        assert run_script(made, b"") == (0, ())


@pytest.mark.parametrize("lost", [1, 8, 20, 26, 32, 38, 50])
def test_the_head_of_the_first_line_may_get_lost(lost: int) -> None:
    with console("none", "", str(lost)) as made:
        log_in(made, Login("root"))
        assert run_script(made, b"echo one") == (0, ("one",))


def test_long_scripts_arrive_whole() -> None:
    script = b"".join(b"# %d '\"$x` \\ \xff\n" % number for number in range(400)) + b"cksum < $0\n"
    expected = subprocess.run(["cksum"], input=script, capture_output=True, check=True).stdout.decode().split()
    with console() as made:
        log_in(made, ROOT)
        code, lines = run_script(made, script)
    assert (code, lines[0].split()[:2]) == (0, expected[:2])


def test_a_wrong_password_is_told_and_not_shown() -> None:
    with console() as made, pytest.raises(FailedBootError, match="root could not log in") as caught:
        log_in(made, Login("root", "wrong password"))
    assert "Login incorrect" in str(caught.value)
    assert "wrong password" not in "\n".join(made.tail)


def test_a_missing_password_is_told() -> None:
    with console() as made, pytest.raises(FailedBootError, match="could not log in"):
        log_in(made, Login("root"))


def test_a_password_to_be_changed_is_told() -> None:
    notice = "You are required to change your password immediately"
    with console("ask", notice) as made, pytest.raises(FailedBootError, match="has to be changed"):
        log_in(made, ROOT)


def test_a_script_without_end_is_given_up() -> None:
    with console(seconds=4) as made:
        log_in(made, ROOT)
        with pytest.raises(SilenceError):
            run_script(made, b"sleep 100")
