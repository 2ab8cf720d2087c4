# SPDX-License-Identifier: Apache-2.0
"""Pipe a stream through a compressor into a file, hashing both sides on the way.

This is the one place besides :mod:`runner.process` that starts a process: a filter is fed while it is read.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from runner.digest import CHUNK, HashingWriter
from runner.errors import BuildError, HostError
from runner.process import TAIL_LINES, kill_group, tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

XZ_LEVEL = "-2"
"""A root tree takes 0.4 of the time of KIWI's level 6 and a ninth more room: packing is most of a build's time."""


def xz_command() -> tuple[str, ...]:
    """Return the xz filter every ``.xz`` of ours goes through.

    One thread is another format (a single block without sizes), so there are always two or more; a fixed block
    size then makes the bytes independent of their number. xz's own default check is kept.
    """
    threads = max(2, len(os.sched_getaffinity(0)))
    return ("xz", "--compress", "--stdout", "--quiet", XZ_LEVEL, f"--threads={threads}", "--block-size=16MiB")


@dataclass(frozen=True, slots=True)
class Compressed:
    """Digest and size in bytes of a finished file, after and before compression."""

    sha256: str
    size: int
    uncompressed_sha256: str
    uncompressed_size: int


class Compression:
    """The open end of a filter: write to it, and find ``result`` once the ``with`` block is over."""

    def __init__(self, sink: IO[bytes]) -> None:
        self.plain = HashingWriter(sink)
        self.write = self.plain.write
        self.result: Compressed | None = None

    def done(self) -> Compressed:
        """Return the result of a finished filter."""
        if self.result is None:
            raise RuntimeError("the compressor has not finished")
        return self.result


@contextlib.contextmanager
def compressing(path: Path, argv: Sequence[str]) -> Iterator[Compression]:
    """Create ``path`` with what is written to the yielded object, filtered by ``argv``.

    Raises:
        HostError: the program does not exist.
        BuildError: it failed; its last words are in the error.
        OSError: the file cannot be written.
    """
    with tempfile.TemporaryFile() as complaints, path.open("xb") as file:
        child = _start(argv, complaints)
        drain = _Drain(child, file)
        drain.start()
        pipe = _pipe_of(child)
        stream = Compression(pipe)
        try:
            with pipe:
                yield stream
        except BrokenPipeError:
            pass  # the filter is gone: why is told below
        except BaseException:
            kill_group(child)
            raise
        finally:
            drain.join()
        if drain.failure is not None:
            kill_group(child)
            raise drain.failure
        if child.wait() != 0:
            raise BuildError(f"{argv[0]} failed with exit code {child.returncode}", log_tail=_tail(complaints))
    packed = drain.packed
    stream.result = Compressed(packed.sha256, packed.size, stream.plain.sha256, stream.plain.size)


class _Drain(threading.Thread):
    """Moves what the filter puts out into the file."""

    def __init__(self, child: subprocess.Popen[bytes], file: IO[bytes]) -> None:
        super().__init__(name="compressor output", daemon=True)
        if child.stdout is None:
            raise RuntimeError("the filter has no output pipe")
        self._source = child.stdout
        self.packed = HashingWriter(file)
        self.failure: OSError | None = None

    def run(self) -> None:
        with self._source as source:  # closing it early ends a filter that nobody can read any more
            try:
                while data := os.read(source.fileno(), CHUNK):
                    self.packed.write(data)
                self.packed.flush()
            except OSError as error:
                self.failure = error


def _start(argv: Sequence[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            tuple(argv),
            bufsize=CHUNK,
            env=tool_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise HostError(f"the program {argv[0]} is not installed", hint="run: packhouse doctor") from error


def _pipe_of(child: subprocess.Popen[bytes]) -> IO[bytes]:
    if child.stdin is None:
        raise RuntimeError("the filter has no input pipe")
    return child.stdin


def _tail(complaints: IO[bytes]) -> list[str]:
    complaints.seek(0)
    return complaints.read().decode("utf-8", "backslashreplace").splitlines()[-TAIL_LINES:]
