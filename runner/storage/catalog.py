# SPDX-License-Identifier: Apache-2.0
"""What is published in a storage: its format, images, channels, and the commits in them. Reading only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from runner.errors import IntegrityError, NotInStorageError, StorageError
from runner.storage import keys
from runner.storage.records import COMMIT_SCHEMA, FORMAT_VERSION, MAX_RECORD, Commit, StorageFormat, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.storage.api import Storage

_AT_ONCE = 8
_SHOWN = 5
_MOST_NAMES = 1000
"""Names looked at for a suggestion."""


def read_format(storage: Storage) -> StorageFormat:
    """Return the format of a storage, checked to be one we understand.

    Raises:
        NotInStorageError: nothing was ever published there.
        StorageError: it was made by a newer release of this program.
    """
    try:
        data = storage.get(keys.FORMAT, MAX_RECORD)
    except NotInStorageError as error:
        raise NotInStorageError(
            "nothing is published there", where=storage.url, hint="check the URL, above all its prefix"
        ) from error
    found = decode(data, StorageFormat, keys.FORMAT)
    if found.version != FORMAT_VERSION:
        raise StorageError(
            f"the storage has format {found.version}, this program knows {FORMAT_VERSION}",
            where=storage.url,
            hint="use a newer release of this program",
        )
    return found


def numbers(storage: Storage, image: str, channel: str) -> list[int]:
    """Return the numbers of a channel's commits, newest first; empty when there is no such channel."""
    names = (name.removesuffix(".json") for name in storage.list(keys.channel(image, channel)))
    return sorted((int(name) for name in names if name.isascii() and name.isdigit()), reverse=True)


def commit_at(storage: Storage, image: str, channel: str, number: int) -> Commit:
    """Return one commit of a channel, checked to be what its key says.

    Raises:
        NotInStorageError: there is no such number.
        IntegrityError: it is damaged, or speaks of something else.
    """
    key = keys.commit(image, channel, number)
    found = decode(storage.get(key, MAX_RECORD), Commit, key)
    if (found.schema, found.image, found.channel, found.number) != (COMMIT_SCHEMA, image, channel, number):
        raise IntegrityError(f"{key} speaks of another release", where=storage.url)
    return found


def newest(storage: Storage, image: str, channel: str) -> Commit | None:
    """Return what ``channel`` holds now, or None when nothing was published in it."""
    found = numbers(storage, image, channel)
    return commit_at(storage, image, channel, found[0]) if found else None


def by_channel(storage: Storage, image: str, channel: str) -> Commit:
    """Return what ``channel`` holds now.

    Raises:
        NotInStorageError: no such image or channel, with what there is.
    """
    found = newest(storage, image, channel)
    if found is not None:
        return found
    there = channel_names(storage, image)
    if not there:
        raise _no_image(storage, image)
    raise _missing(storage, f"{image} has no channel {channel!r}", channel, there)


def by_version(storage: Storage, image: str, version: str) -> Commit:
    """Return the release of ``version`` published last, in whatever channel.

    Raises:
        NotInStorageError: no such image or version, with what there is.
    """
    there = channel_names(storage, image)
    if not there:
        raise _no_image(storage, image)
    seen: dict[str, None] = {}
    hits: list[Commit] = []
    for channel in there:
        for commit in history(storage, image, channel):
            seen[commit.version] = None
            if commit.version == version:
                hits.append(commit)
                break
    if not hits:
        raise _missing(storage, f"{image} has no version {version!r}", version, list(seen))
    return max(hits, key=lambda commit: (commit.published, commit.channel))


def history(storage: Storage, image: str, channel: str) -> Iterator[Commit]:
    """Yield all commits of a channel, newest first; a few are read at once."""
    left = iter(numbers(storage, image, channel))
    with ThreadPoolExecutor(_AT_ONCE, "history") as pool:
        while batch := list(islice(left, _AT_ONCE)):
            yield from pool.map(lambda number: commit_at(storage, image, channel, number), batch)


def channel_names(storage: Storage, image: str) -> list[str]:
    """Return an image's channels by name; empty when there is no such image."""
    return _folders(storage, keys.channels(image))


def image_names(storage: Storage) -> list[str]:
    """Return the images of a storage by name."""
    return [keys.unescape(name) for name in _folders(storage, keys.IMAGES)]


def _folders(storage: Storage, folder: str) -> list[str]:
    names = (name.removesuffix("/") for name in storage.list(folder) if name.endswith("/"))
    return list(islice(names, _MOST_NAMES))


def _no_image(storage: Storage, image: str) -> NotInStorageError:
    read_format(storage)
    return _missing(storage, f"no image {image!r} is published", image, image_names(storage))


def _missing(storage: Storage, what: str, wanted: str, there: Iterable[str]) -> NotInStorageError:
    names = list(there)
    like = get_close_matches(wanted, names, _SHOWN) or names[:_SHOWN]
    more = ", …" if len(names) > len(like) else ""
    hint = f"there is: {', '.join(like)}{more}" if like else None
    return NotInStorageError(what, where=storage.url, hint=hint)
