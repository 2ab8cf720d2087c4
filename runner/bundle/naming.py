# SPDX-License-Identifier: Apache-2.0
"""The names of bundled files: the bundle's id behind the version, or a pattern of KIWI's placeholders."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import UsageError

PLACEHOLDERS = {
    "N": "image name",
    "P": "profiles, joined by _",
    "A": "architecture",
    "I": "bundle id",
    "T": "image type",
    "M": "first part of the version",
    "m": "second part of the version",
    "p": "third part of the version",
    "v": "version",
}
"""What may stand behind a percent sign in a pattern."""

_ENDING = re.compile(r"\.((?:oci\.|docker\.)?tar(?:\.[a-z0-9]+)?|vagrant\.[a-z0-9]+\.box|[^.]+)\Z")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tags:
    """What the placeholders stand for. Empty ``image_type`` means: not recorded."""

    name: str
    arch: str
    version: str
    image_type: str = ""
    profiles: str = ""

    @classmethod
    def of_stem(cls, stem: str) -> Tags | None:
        """Read ``<name>.<arch>-<version>``; None when it has another form."""
        found = re.fullmatch(r"(?P<name>.+)\.(?P<arch>[a-z0-9_]+)-(?P<version>[^-].*)", stem)
        return None if found is None else cls(**found.groupdict())


def check_id(bundle_id: str) -> str:
    """Return ``bundle_id`` if it can be part of a file name.

    Raises:
        UsageError: it is empty or holds a character that is not safe in a name.
    """
    if not _SAFE.match(bundle_id):
        raise UsageError(
            f"{bundle_id!r} cannot be the id of a bundle",
            why="it becomes part of file names",
            hint="use letters, digits and . _ + ~ -",
        )
    return bundle_id


def ending(name: str, stem: str = "") -> str:
    """Return the ending of a result's name, with its dot, as KIWI counts it; empty when there is none.

    Double endings of archives and boxes stay whole (``.oci.tar.xz``, ``.vagrant.libvirt.box``). The dots of
    ``stem`` do not count, so that a version is never taken for one.
    """
    found = _ENDING.search(name.removeprefix(stem))
    return found.group(0) if found else ""


def with_id(name: str, stem: str, bundle_id: str) -> str:
    """Return ``name`` with ``-<id>`` behind the version.

    Raises:
        UsageError: it does not begin with ``stem``, so that nobody knows where its version is.
    """
    if not stem or not name.startswith(stem):
        raise UsageError(
            f"the version in {name} cannot be told",
            why="the name does not begin as those of the other results do",
            hint="name the files with --bundle-format",
        )
    return f"{stem}-{bundle_id}{name.removeprefix(stem)}"


def expand(pattern: str, tags: Tags, bundle_id: str) -> str:
    """Fill ``pattern`` in. Parts that a version does not have are ``0``; ``%%`` is a percent sign.

    Raises:
        UsageError: an unknown placeholder, one whose value is not recorded, or a result that is no file name.
    """
    values = _values(tags, bundle_id)

    def fill(found: re.Match[str]) -> str:
        letter = found.group(1)
        if letter == "%":
            return "%"
        if letter not in values:
            raise UsageError(
                f"the bundle format {pattern!r} has no meaning at %{letter}",
                hint="placeholders: " + ", ".join(f"%{key} {value}" for key, value in PLACEHOLDERS.items()),
            )
        value = values[letter]
        if value is None:
            raise UsageError(
                f"the bundle format {pattern!r} needs the {PLACEHOLDERS[letter]}",
                why="these results do not record it",
                hint="set bundle_format in the <type> of the description, or leave this placeholder out",
            )
        return value

    name = re.sub(r"%(.?)", fill, pattern)
    if not _SAFE.match(name):
        raise UsageError(f"the bundle format {pattern!r} gives {name!r}, which is no file name")
    return name


def _values(tags: Tags, bundle_id: str) -> dict[str, str | None]:
    major, minor, patch = (*tags.version.split(".", 2), "0", "0")[:3]
    known = bool(tags.image_type)
    return {
        "N": tags.name,
        "P": tags.profiles if known else None,
        "A": tags.arch,
        "I": bundle_id,
        "T": tags.image_type if known else None,
        "M": major,
        "m": minor,
        "p": patch,
        "v": tags.version,
    }
