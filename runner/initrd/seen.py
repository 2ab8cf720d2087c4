# SPDX-License-Identifier: Apache-2.0
"""What a generator of initrds gets to see of a tree, as one digest.

A generator may read whatever it likes: configuration, programs, libraries, hooks, keymaps. Nobody can list it, so
everything in the tree counts: names, types, modes, owners, times, attributes, content, and which names belong to
one file. All that is left out are the few places in :data:`PRIVATE`, where people and services have their own
data, and they are left out by taking them away: a generator works in a view of the tree that has no such place.
So two trees with equal digests are to a generator one and the same, whatever it does.

A place whose path is in the configuration or in a hook of a generator, or in a symbolic link from elsewhere, stays
in the view, and counts.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.strip import remove
from runner.create.walk import Entry, walk, xattrs
from runner.digest import CHUNK
from runner.errors import BuildError
from runner.prepare.tree import KIWI_LEFTOVERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PRIVATE = (b"etc/issue", b"etc/issue.net", b"etc/motd", b"home", b"opt", b"srv", b"var/www")
"""Paths, with all below them."""

_OF_THE_BUILD = frozenset(os.fsencode(name) for name in KIWI_LEFTOVERS)
"""What a script finds in the tree and no image has."""

_WORDS = (
    b"etc/cryptsetup-initramfs",
    b"etc/crypttab",
    b"etc/dracut.conf",
    b"etc/dracut.conf.d",
    b"etc/fstab",
    b"etc/initramfs-tools",
    b"etc/ld.so.conf",
    b"etc/ld.so.conf.d",
    b"etc/udev",
    b"usr/lib/dracut",
    b"usr/lib/udev/rules.d",
    b"usr/share/initramfs-tools",
)
"""Where an image tells its generators what to take."""

_COMMENT = re.compile(rb"^[ \t]*#.*", re.MULTILINE)
_SECOND = 1_000_000_000


def _below(places: Iterable[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"(?:" + b"|".join(map(re.escape, places)) + rb")(?=/|\Z)")


_IS_PRIVATE, _HAS_WORDS = _below((*PRIVATE, *sorted(_OF_THE_BUILD))), _below(_WORDS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a generator sees of a tree: its digest, and the paths that the view does not have."""

    digest: str
    hidden: tuple[bytes, ...]


def look(root: Path, epoch: int) -> Seen:
    """Return what a generator sees of the tree at ``root`` when no time is later than ``epoch``."""
    parts: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for entry in walk(root):
        private = _IS_PRIVATE.match(entry.name)
        parts[private.group() if private else b""].append(entry)
    words = {place: b"\n".join(_words(entries)) for place, entries in parts.items()}
    hidden = tuple(sorted(place for place in parts if place and _is_hidden(place, words)))
    own = os.fsencode(root)
    shown = [Entry(own, b"", os.lstat(own)), *(e for place in parts if place not in hidden for e in parts[place])]
    return Seen(_digest(shown, epoch * _SECOND), hidden)


def show(view: Path, seen: Seen, epoch: int) -> None:
    """Turn ``view``, a writable view of the tree that was looked at, into what has been seen."""
    for place in seen.hidden:
        remove(view / os.fsdecode(place))
    canonicalise(view, epoch)


def _words(entries: Iterable[Entry]) -> Iterator[bytes]:
    for entry in entries:
        if entry.is_link:
            yield b"/" + os.readlink(entry.path)  # noqa: PTH115  # bytes
        elif entry.is_file and _HAS_WORDS.match(entry.name):
            yield _COMMENT.sub(b"", b"".join(_parts(entry)))


def _is_hidden(place: bytes, words: dict[bytes, bytes]) -> bool:
    return place in _OF_THE_BUILD or not _is_named(place, words)


def _is_named(place: bytes, words: dict[bytes, bytes]) -> bool:
    return any(b"/" + place in text for other, text in words.items() if other != place)


def _digest(entries: Iterable[Entry], latest: int) -> str:
    combined = hashlib.sha256()
    names: dict[tuple[int, int], bytes] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        info = entry.stat
        first = entry.name
        if info.st_nlink > 1 and not entry.is_dir:
            first = names.setdefault((info.st_dev, info.st_ino), entry.name)
        facts = (info.st_mode, info.st_uid, info.st_gid, info.st_rdev, min(info.st_mtime_ns, latest))
        target = os.readlink(entry.path) if entry.is_link else b""  # noqa: PTH115  # bytes
        size = info.st_size if entry.is_file else 0
        combined.update(repr((entry.name, first, facts, xattrs(entry.path), target, size)).encode())
        if size and first == entry.name:
            for part in _parts(entry):
                combined.update(part)
    return combined.hexdigest()


def _parts(entry: Entry) -> Iterator[bytes]:
    """Yield the content of a file: a plain read for each is faster than Python's files are for thousands."""
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        left = entry.stat.st_size
        while left > 0:
            part = os.read(descriptor, min(left, CHUNK))
            if not part:
                raise BuildError(f"{os.fsdecode(entry.path)} was cut short while it was read")
            left -= len(part)
            yield part
    finally:
        os.close(descriptor)
