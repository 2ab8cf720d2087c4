# SPDX-License-Identifier: Apache-2.0
"""Read a commit and the tree of one folder of it in a single call of git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sources.session import Session


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """A commit id, its committer time (seconds since 1970), and what lies at the folder asked for.

    ``kind`` is git's object type (``tree`` for a folder, ``blob`` for a file or symbolic link, ``commit`` for a
    submodule) and ``oid`` its id; both None when there is nothing.
    """

    commit: str
    time: int
    kind: str | None
    oid: str | None


def read_commit(session: Session, revision: str, folder: str, *, cwd: Path | None = None) -> CommitFacts | None:
    """Read the commit that ``revision`` leads to, None if it leads to none.

    ``folder`` is relative to the top, or starts with ``./`` and is relative to ``cwd``; it has no line break.
    """
    asked = f"contents {revision}^{{commit}}\ninfo {revision}:{folder}\n"
    answer = session.run("cat-file", "--batch-command", cwd=cwd, stdin=asked.encode("utf-8", "surrogateescape"))
    head, _, rest = answer.partition(b"\n")
    if head.endswith(b" missing"):
        return None
    oid, _kind, size = head.decode().split(" ")
    body, info = rest[: int(size)], rest[int(size) + 1 :]
    found = info.strip().split(b" ")
    present = len(found) == 3 and found[2].isdigit()  # noqa: PLR2004 - "<oid> <type> <size>"
    return CommitFacts(
        commit=oid,
        time=_committer_time(body),
        kind=found[1].decode() if present else None,
        oid=found[0].decode() if present else None,
    )


def _committer_time(commit: bytes) -> int:
    for line in commit.split(b"\n"):
        if line.startswith(b"committer "):
            return int(line.rsplit(b" ", 2)[1])
        if not line:
            break
    return 0


def gitlinks(listing: bytes) -> list[tuple[str, str]]:
    """Return path and commit of each submodule in the output of ``ls-tree -z`` or ``ls-files -s -z``."""
    links = []
    for entry in listing.split(b"\0"):
        head, tab, path = entry.partition(b"\t")
        if tab and head.startswith(b"160000 "):
            oid = next(word for word in head.decode().split(" ")[1:] if len(word) >= 40)  # noqa: PLR2004 - hex digits
            links.append((path.decode("utf-8", "surrogateescape"), oid))
    return links
