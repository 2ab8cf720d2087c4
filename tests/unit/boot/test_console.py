# SPDX-License-Identifier: Apache-2.0
"""What is read from a serial line, however it is cut into pieces."""

from __future__ import annotations

import time
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.boot.console import Console, Line, SilenceError
from runner.boot.model import FailedBootError
from runner.boot.plain_text import PlainText
from runner.boot.stages import Timeline
from runner.redact import Redactor


class Feed:
    """A serial line that says ``pieces``, then nothing."""

    def __init__(self, *pieces: bytes, ends: bool = False) -> None:
        self._pieces, self._ends = deque(pieces), ends

    def read(self, seconds: float) -> bytes | None:
        if self._pieces:
            return self._pieces.popleft()
        if self._ends:
            return b""
        time.sleep(min(seconds, 0.01))
        return None

    def write(self, data: bytes) -> None: ...


def open_console(feed: Feed, seconds: float = 0.05) -> Console:
    return Console(feed, deadline=time.monotonic() + seconds, redact=Redactor.of(["sesame"]))


SAID = (
    "\x1b[2J\x1b[01;1HGNU GRUB\r\n"
    "\x1b[0;32m  OK  \x1b[0m Stärted\tit\r\n\x1b]0;title\x07\x1b(Bhost login: \x1b[?2004h"
)


def test_a_sequence_that_was_broken_off_holds_nothing_back() -> None:
    plain = PlainText()
    assert plain.feed("on \x1b[0;1mdbus\x1b[…essage Bus\r\nnext\r\n".encode()) == ["on dbus[…essage Bus", "next"]
    plain.feed("host \x1b[…".encode())
    plain.feed(b"login: ")
    assert plain.partial == "host […login: "


@given(st.lists(st.integers(0, len(SAID.encode())), max_size=12).map(sorted))
def test_text_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    data, plain, lines = SAID.encode(), PlainText(), []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        lines += plain.feed(data[start:end])
    assert [*lines, plain.partial] == ["GNU GRUB", "  OK   Stärted\tit", "host login: "]


@given(st.binary(max_size=300))
def test_any_bytes_are_text_without_control_characters(data: bytes) -> None:
    plain = PlainText()
    text = "".join([*plain.feed(data), plain.partial])
    assert not set(text) & (set(map(chr, range(32))) - {"\t", "\r"})


def test_a_line_without_end_does_not_fill_memory() -> None:
    plain = PlainText()
    lines = [line for _ in range(50) for line in plain.feed(b"x" * 1000)]
    assert len(plain.partial) <= 4096
    assert sum(map(len, lines)) + len(plain.partial) == 50_000


def test_it_waits_for_a_line_and_keeps_the_next() -> None:
    console = open_console(Feed(b"one\ntwo\nthr", b"ee\n"))
    complete: list[str] = []

    def listen(line: Line) -> str | None:
        if line.complete:
            complete.append(line.text)
        return line.text if line.complete and line.text.startswith("t") else None

    assert [console.until(listen), console.until(listen)] == ["two", "three"]
    with pytest.raises(SilenceError):
        console.until(listen)
    assert complete == ["one", "two", "three"]


def test_secrets_are_masked_in_what_is_kept() -> None:
    console = open_console(Feed(b"the word is sesame\n"))
    with pytest.raises(SilenceError):
        console.until(lambda _: None)
    assert list(console.tail) == ["the word is [redacted]"]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (b"[    1.2] Kernel panic - not syncing: VFS\n", "panicked"),
        (b"grub rescue> ", "GRUB"),
        (b"(initramfs) ", "initrd gave up"),
        (b"Verification failed: (0x1A) Security Violation\r\n", "secure boot"),
        (b"You are in emergency mode. After logging in", "emergency"),
    ],
)
def test_dead_ends_are_known(said: bytes, what: str) -> None:
    with pytest.raises(FailedBootError, match=what):
        open_console(Feed(b"some\nlines\n", said)).until(lambda _: None)


def test_the_end_of_the_line_is_the_end_of_the_machine() -> None:
    with pytest.raises(FailedBootError, match="switched itself off"):
        open_console(Feed(b"bye\n", ends=True)).until(lambda _: None)


def test_stages_count_in_their_order() -> None:
    timeline = Timeline()
    said = (
        'BdsDxe: starting Boot0001 "UEFI Misc Device"',
        "EFI stub: Loaded initrd from LINUX_EFI_INITRD_MEDIA_GUID device path",
        "[    0.000000] Linux version 6.1.0",
        "[    0.9] Run /init as init process",
        "Welcome to Debian GNU/Linux 12 (bookworm) dracut-059-4 (Initramfs)!",
        "Welcome to Debian GNU/Linux 12 (bookworm)!",
        "host login: ",
        "[    0.000000] Linux version 6.1.0",
    )
    for second, line in enumerate(said, 1):
        timeline.hear(line, second)
    assert [(passed.stage, passed.seconds) for passed in timeline.passed] == [
        ("firmware", 0),
        ("loader", 1),
        ("kernel", 2),
        ("initrd", 4),
        ("userspace", 6),
        ("login", 7),
    ]


def test_the_prompt_is_written_down_whole_though_it_was_known_before_its_end() -> None:
    console = open_console(Feed(b"tiny login:", b" "))
    assert console.until(lambda line: line.text if "login:" in line.text else None) == "tiny login:"
    console.close()
    assert list(console.tail) == ["tiny login: "]
