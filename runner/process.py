# SPDX-License-Identifier: Apache-2.0
"""The one door for subprocesses: argument lists, own process group, limits, a log tail in every error."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.errors import BuildError, HostError, LimitError
from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TAIL_LINES = 40
_TAIL_CHARACTERS = 2000
_CHUNK = 65536
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 1.0
"""What a program that is stopped has to clean up in before it is killed."""


class LineSink(Protocol):
    """Where the output lines of a running tool go (already redacted, without line end)."""

    def __call__(self, line: str, /) -> None: ...


class StoppedError(Exception):
    """A program was ended because its caller wanted it ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one subprocess: wall-clock seconds, bytes of output in all, and bytes of one line."""

    seconds: float = 3600.0
    output_bytes: int = 512 << 20
    line_bytes: int = _CHUNK


@dataclass(frozen=True, slots=True)
class Completed:
    """A finished subprocess. ``stdout`` is empty when output was streamed to a sink."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    tail: tuple[str, ...]


@dataclass(slots=True)
class _Output:
    """Splits a byte stream into redacted lines for the sink and keeps the last of them."""

    sink: LineSink | None
    redact: Redactor
    line_bytes: int
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > self.line_bytes:  # a tool that never ends its line must not fill our memory
            self._emit(self._rest)
            self._rest = b""

    def close(self) -> None:
        if self._rest:
            self._emit(self._rest)
            self._rest = b""

    def _emit(self, raw: bytes) -> None:
        line = self.redact(raw.decode("utf-8", "backslashreplace").rstrip("\r"))
        self.tail.append(tail_line(line))
        if self.sink is not None:
            self.sink(line)


def tail_line(line: str) -> str:
    """Return ``line`` as an error shows it: long ones, which say nothing, cut."""
    return line if len(line) <= _TAIL_CHARACTERS else f"{line[:_TAIL_CHARACTERS]}…"


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment every tool gets: fixed locale and time zone, nothing of the caller's but PATH."""
    env = {
        "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
    }
    env.update(extra or {})
    return env


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    sink: LineSink | None = None,
    redact: Redactor | None = None,
    limits: Limits | None = None,
    pass_fds: Sequence[int] = (),
    umask: int = -1,
    check: bool = True,
    what: str | None = None,
    stop: Callable[[], bool] | None = None,
    started: Callable[[int], None] | None = None,
) -> Completed:
    """Run ``argv`` to its end and return what it said.

    Standard output and error are read together when ``sink`` is given (streamed line by line), otherwise
    standard output is returned whole and standard error only feeds the tail. ``env`` replaces the environment;
    without it the tool gets :func:`tool_environment`. ``umask`` is that of the tool, -1 for ours. ``what`` names
    the action in errors. ``stop`` is asked several times a second whether the tool is to be ended: by SIGTERM,
    and soon after with all of its process group. ``started`` is told the process id.

    Raises:
        HostError: the program does not exist.
        LimitError: it ran longer or wrote more than ``limits`` allow; its process group was killed.
        BuildError: it exited non-zero and ``check`` is set.
        StoppedError: ``stop`` said so.
    """
    args = tuple(os.fspath(arg) for arg in argv)
    limits = limits or Limits()
    output = _Output(sink, redact or Redactor(), limits.line_bytes)
    child = _start(
        args, env=env, cwd=cwd, has_stdin=stdin is not None, merge=sink is not None, pass_fds=pass_fds, umask=umask
    )
    if started is not None:
        started(child.pid)
    stdout = _attend(_Pump(child, args, stdin or b"", output, limits, stop=stop), keep=sink is None)
    done = Completed(args, child.returncode, stdout, tuple(output.tail))
    if check and done.returncode != 0:
        raise _failure(done, what or args[0])
    return done


def _attend(pump: _Pump, *, keep: bool) -> bytes:
    """Stay with a tool to its end and return what it said; whatever goes wrong here, it does not outlive it."""
    try:
        stdout = pump.run(keep=keep)
        pump.child.wait()
    except StoppedError:
        _end_softly(pump.child)
        raise
    except BaseException:
        kill_group(pump.child)
        raise
    finally:
        _close_pipes(pump.child)
        pump.output.close()
    return stdout


def _failure(done: Completed, what: str) -> BuildError:
    code = done.returncode
    why = "signal " + signal.Signals(-code).name if code < 0 else None
    return BuildError(f"{what} failed with exit code {code}", why=why, log_tail=done.tail)


@contextlib.contextmanager
def background(argv: Sequence[str | Path], *, pass_fds: Sequence[int] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``argv`` for as long as the block lasts, and kill it and all it started at its end.

    What it writes comes together in ``stdout`` and is the caller's to read, or it will stand still.

    Raises:
        HostError: the program does not exist.
    """
    args = tuple(os.fspath(arg) for arg in argv)
    child = _start(args, env=None, cwd=None, has_stdin=False, merge=True, pass_fds=pass_fds, umask=-1)
    try:
        yield child
    finally:
        kill_group(child)
        _close_pipes(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill ``child`` and all it started in its own process group, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _end_softly(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_SECONDS)
    kill_group(child)


def _start(
    args: tuple[str, ...],
    *,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    has_stdin: bool,
    merge: bool,
    pass_fds: Sequence[int],
    umask: int,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            args,
            env=dict(env) if env is not None else tool_environment(),
            cwd=cwd,
            stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            pass_fds=tuple(pass_fds),
            umask=umask,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise HostError(f"the program {args[0]} is not installed", hint="run: packhouse doctor") from error


class _Pump:
    """Moves bytes between us and a child until all its pipes are closed, within the limits."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        args: tuple[str, ...],
        stdin: bytes,
        output: _Output,
        limits: Limits,
        *,
        stop: Callable[[], bool] | None,
    ) -> None:
        self.child = child
        self._name = args[0]
        self._pending = memoryview(stdin)
        self.output = output
        self._limits = limits
        self._stop = stop
        self._deadline = time.monotonic() + limits.seconds
        self._seen = 0
        self._kept: list[bytes] = []

    def run(self, *, keep: bool) -> bytes:
        with selectors.DefaultSelector() as selector:
            for stream in (self.child.stdout, self.child.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            if self.child.stdin is not None:
                os.set_blocking(self.child.stdin.fileno(), False)
                selector.register(self.child.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                for key, _ in selector.select(self._patience()):
                    if key.fileobj is self.child.stdin:
                        self._write(selector, key)
                    else:
                        self._read(selector, key, keep=keep and key.fileobj is self.child.stdout)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(self._patience())
                return b"".join(self._kept)

    def _patience(self) -> float:
        """Return for how long to wait before looking again."""
        if self._stop is None:
            return self._left()
        if self._stop():
            raise StoppedError
        return min(self._left(), _LOOK_SECONDS)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._over(f"ran longer than {self._limits.seconds:g} s")
        return left

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, *, keep: bool) -> None:
        data = os.read(key.fd, _CHUNK)
        if not data:
            selector.unregister(key.fileobj)
            return
        self._seen += len(data)
        if self._seen > self._limits.output_bytes:
            raise self._over(f"wrote more than {self._limits.output_bytes} bytes of output")
        if keep:
            self._kept.append(data)
        else:
            self.output.feed(data)

    def _write(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        try:
            written = os.write(key.fd, self._pending[:_CHUNK])
        except BrokenPipeError:
            written = len(self._pending)
        self._pending = self._pending[written:]
        if not self._pending and self.child.stdin is not None:
            selector.unregister(key.fileobj)
            self.child.stdin.close()

    def _over(self, what: str) -> LimitError:
        return LimitError(f"{self._name} {what} and was ended", log_tail=tuple(self.output.tail))


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            stream.close()
