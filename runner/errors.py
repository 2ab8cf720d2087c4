# SPDX-License-Identifier: Apache-2.0
"""Every error a user can meet: what happened, where, why and what to do next.

A library function raises one of these classes; only the command line turns it into an exit code and text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Location(NamedTuple):
    """A place in a user's file: path, one-based line, and the element or key meant.

    A tuple, because every element of a description gets one, and making it is twice as fast.
    """

    file: Path | str
    line: int | None = None
    element: str | None = None

    def __str__(self) -> str:
        text = str(self.file)
        if self.line is not None:
            text += f":{self.line}"
        if self.element:
            text += f" ({self.element})"
        return text


class PackhouseError(Exception):
    """Base of all expected failures.

    Attributes:
        what: one sentence that tells what failed.
        where: the place in the user's input, if there is one.
        why: the reason, as far as known.
        hint: what to do next.
        log_tail: last lines of the failing tool's output, secrets already removed.
        log: the file with the whole log of a failed build, where one was kept.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "error"

    def __init__(
        self,
        what: str,
        *,
        where: Location | str | None = None,
        why: str | None = None,
        hint: str | None = None,
        log_tail: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint
        self.log_tail = tuple(log_tail)
        self.log: Path | None = None

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            lines.append(f"  because: {self.why}")
        if self.hint:
            lines.append(f"  to fix:  {self.hint}")
        if self.log:
            lines.append(f"  log:     {self.log}")
        return "\n".join(lines)


class UsageError(PackhouseError):
    """The command line asks for something that makes no sense."""

    exit_code = 2
    kind = "usage"


class SourceError(PackhouseError):
    """Repository, ref or folder cannot be had."""

    exit_code = 3
    kind = "source"


class DescriptionError(PackhouseError):
    """The image description is malformed, invalid or not supported."""

    exit_code = 4
    kind = "description"


class ResolveError(PackhouseError):
    """Packages cannot be resolved: unknown name, conflict, unsigned or unreachable repository, stale lock."""

    exit_code = 5
    kind = "resolve"


class FetchError(PackhouseError):
    """A locked file cannot be fetched from any source."""

    exit_code = 6
    kind = "fetch"


class IntegrityError(PackhouseError):
    """Bytes are not those their digest promises (store, mirror or storage)."""

    exit_code = 7
    kind = "integrity"


class BuildError(PackhouseError):
    """A package, a script or a packing tool failed inside the build."""

    exit_code = 8
    kind = "build"


class HostError(PackhouseError):
    """This machine lacks something: a tool, a uid range, disk space, a kernel feature."""

    exit_code = 9
    kind = "environment"


class StorageError(PackhouseError):
    """The storage cannot be reached, refuses, or holds something else under that name."""

    exit_code = 10
    kind = "storage"


class NotInStorageError(StorageError):
    """The storage answers, and what was asked for is not in it."""

    exit_code = 11
    kind = "not-found"


class VerificationError(PackhouseError):
    """A signature, digest or policy check refused the release."""

    exit_code = 12
    kind = "verification"


class LimitError(PackhouseError):
    """A build went over one of its limits, such as time, output or disk, and was ended."""

    exit_code = 13
    kind = "limit"


class BootError(PackhouseError):
    """An image was started and did not do what was expected of it."""

    exit_code = 14
    kind = "boot"


INTERRUPTED = 130
"""Exit code after Ctrl-C, SIGTERM or SIGHUP, as a shell reports SIGINT."""
