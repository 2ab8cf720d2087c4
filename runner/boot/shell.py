# SPDX-License-Identifier: Apache-2.0
r"""Log in through a serial console and run a script there.

Only what a shell of any kind has is used, and the console may show kernel messages between our lines. What is
typed says ``PACK\HOUSE:`` or ``PACK''HOUSE:``; only the shell, not an echo of the typing, answers without.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, NoReturn

from runner.boot.console import SilenceError
from runner.boot.model import FailedBootError

if TYPE_CHECKING:
    from runner.boot.console import Console, Line, Listener
    from runner.boot.model import Login

MOST_SCRIPT_BYTES = 256 << 10

_PASSWORD = re.compile(r"^Password: ?", re.IGNORECASE)
_PROMPT = re.compile(r"[#$%>] $")
_REFUSED = re.compile(r"^Login incorrect|^Login timed out|^This account is|cannot possibly work")
_NEW_PASSWORD = re.compile(
    r"^(?:\(current\)|Current|New|Enter new) .*password:|^You are required to change", re.IGNORECASE
)
_ANSWER = re.compile(r"PACKHOUSE:(\w+):(\d+)")
_ASK_AGAIN = 3.0
"""Seconds: what is typed while login(1) sets the terminal up is lost."""

_UNKNOWN_PROMPT = 60.0
"""Seconds after which a prompt is thought to be one that we do not recognise."""

_PIECE = 720
"""Characters of a line: a terminal takes 4095 at most."""

_QUIET = "stty -echo; exec env PS1= PS2= ENV= sh"
_NO_KERNEL_LINES = "dmesg -n 1 2>/dev/null"
_WORK = 'f=$(mktemp) && : > "$f.64"'
_UNPACK = 'base64 -d "$f.64" > "$f" && chmod 700 "$f" && rm "$f.64"'
_RUN = '"$f" </dev/null 2>&1'


def log_in(console: Console, login: Login) -> None:
    """Answer a login prompt, which was just shown, and come to a quiet shell.

    Raises:
        FailedBootError: the login was refused or asked for something we do not have.
        SilenceError: no shell answered in time.
    """
    console.type(login.user)
    if _asked(console, login) == "password":
        if not login.password:
            _refuse(login, "it asks for a password")
        console.type(login.password)

    def ready(line: Line) -> bool | None:
        _check(login, line)
        return True if _is_answer(line, "ready", 0) else None

    _insist(console, ready, 0)
    console.type(_QUIET)
    _insist(console, lambda line: True if _is_answer(line, "ready", 1) else None, 1)


def _asked(console: Console, login: Login) -> str:
    """Return ``password`` or ``shell``: what is waited for after the user's name was typed."""

    def listen(line: Line) -> str | None:
        _check(login, line)
        if _PASSWORD.search(line.text):
            return "password"
        return "shell" if not line.complete and _PROMPT.search(line.text) else None

    try:
        return console.until(listen, seconds=_UNKNOWN_PROMPT)
    except SilenceError:
        if console.is_over:
            raise
        return "shell"


def _check(login: Login, line: Line) -> None:
    if _REFUSED.search(line.text):
        _refuse(login, line.text)
    if _NEW_PASSWORD.search(line.text):
        raise FailedBootError(f"the password of {login.user} has to be changed first")


def run_script(console: Console, script: bytes) -> tuple[int, tuple[str, ...]]:
    """Run ``script`` in the shell of :func:`log_in`; return its exit code and the lines it printed.

    Raises:
        FailedBootError: it could not be handed over.
        SilenceError: it did not end in time.
    """
    steps = [_WORK, *(f"echo '{piece}' >> \"$f.64\"" for piece in _pieces(script)), _UNPACK]
    for step in steps:
        console.type(f"{step}; {_say('status', '$?')}")
        if console.until(_status) != 0:
            raise FailedBootError(
                "the script could not be handed over", why="the image has no base64, or no room for it"
            )
    console.type(f"{_say('begin', '0')}; {_RUN}; {_say('status', '$?')}")
    output: list[str] = []

    def listen(line: Line) -> int | None:
        if not line.complete:
            return None
        if _is_answer(line, "begin", 0):
            output.clear()
            return None
        code = _status(line)
        if code is None:
            output.append(line.text)
        return code

    code = console.until(listen)
    if output and not output[-1]:
        output.pop()  # the line end that stands before our answer
    return code, tuple(output)


def _insist(console: Console, listen: Listener[bool], number: int) -> None:
    """Ask the shell for an answer until it gives one."""
    while True:
        # No quotes: login(1) may swallow the head of the line, and a shell waits for ever for a quote's partner.
        console.type(f"{_NO_KERNEL_LINES}; echo; echo PACK\\HOUSE:ready:{number}")
        try:
            console.until(listen, seconds=_ASK_AGAIN)
        except SilenceError:
            if console.is_over:
                raise
        else:
            return


def _say(word: str, value: str) -> str:
    """The command that answers ``word`` on a line of its own."""
    return f"printf '\\nPACK''HOUSE:%s:%s\\n' {word} {value}"


def _is_answer(line: Line, word: str, value: int) -> bool:
    found = _ANSWER.search(line.text)
    return found is not None and found[1] == word and int(found[2]) == value


def _status(line: Line) -> int | None:
    found = _ANSWER.search(line.text) if line.complete else None
    return int(found[2]) if found and found[1] == "status" else None


def _pieces(script: bytes) -> list[str]:
    text = base64.b64encode(script).decode()
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _refuse(login: Login, why: str) -> NoReturn:
    raise FailedBootError(
        f"{login.user} could not log in", why=why, hint="name another user, or give the right password"
    )
