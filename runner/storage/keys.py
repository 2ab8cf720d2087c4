# SPDX-License-Identifier: Apache-2.0
"""The layout of a storage: every key is made here, so that no name from outside can lead elsewhere.

Keys hold only ``[a-z0-9._/-]``: all S3 servers and file systems agree on those, also the ones that fold case.
Image names may have capitals, so they are escaped: a capital becomes ``_`` and its small letter, ``_`` becomes
``__`` (``LimeJeOS`` is ``_lime_je_o_s``). The escaping is reversible, and equal keys mean equal names.

    v1/format.json                                      version of this layout, id of the repository
    v1/blobs/sha256/ab/abcd…                            every file, by its digest
    v1/attest/sha256/<manifest>/<n>.intoto.jsonl        what is claimed of a release; more may come later
    v1/builds/<image>/<build key>.json                  first release made from these inputs
    v1/images/<image>/targets/<sha256>.manifest.json    manifests, readable without an index
    v1/images/<image>/channels/<channel>/<N>.json       the commit: creating it makes a release visible
"""

from __future__ import annotations

import re

from runner.errors import UsageError

FORMAT = "v1/format.json"
IMAGES = "v1/images/"

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHANNEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}")
_FILE = re.compile(r"[A-Za-z0-9_+~][A-Za-z0-9._+~:@=,-]{0,254}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")
_LONGEST_KEY = 1024


def checked_image(name: str) -> str:
    """Return ``name`` if it can be the name of an image, else raise UsageError."""
    return _checked(
        _IMAGE, name, "image name", "letters, digits, '.', '_' and '-', starting with a letter or digit"
    )


def checked_channel(name: str) -> str:
    """Return ``name`` if it can be the name of a channel, else raise UsageError."""
    return _checked(_CHANNEL, name, "channel name", "small letters, digits, '.', '_', '-', starting with no sign")


def checked_version(text: str) -> str:
    """Return ``text`` if it can be the version of an image, else raise UsageError."""
    return _checked(_VERSION, text, "version", "letters, digits and '._+~-', starting with a letter or digit")


def checked_file(name: str) -> str:
    """Return ``name`` if it is a plain file name that is safe to write anywhere, else raise UsageError."""
    return _checked(_FILE, name, "file name", "letters, digits and '._+~:@=,-', not starting with '.' or '-'")


def checked_digest(text: str) -> str:
    """Return ``text`` if it is a hexadecimal SHA-256, else raise UsageError."""
    return _checked(_DIGEST, text, "SHA-256 digest", "64 hexadecimal digits")


def checked_key(key: str) -> str:
    """Return ``key`` if every storage can hold it: no traversal, no hidden names, nothing that folds."""
    return _checked(_KEY, key, "storage key", "[a-z0-9._/-] without hidden or empty parts", _LONGEST_KEY)


def escape(name: str) -> str:
    """Write ``name`` with small letters only; see the head of this module."""
    return re.sub(r"[A-Z_]", lambda match: "_" + match[0].lower(), name)


def unescape(text: str) -> str:
    """Undo :func:`escape`."""
    return re.sub(r"_([a-z_])", lambda match: match[1].upper(), text)


def blob(sha256: str) -> str:
    return f"v1/blobs/sha256/{checked_digest(sha256)[:2]}/{sha256}"


def attestation(manifest: str, number: int) -> str:
    return f"v1/attest/sha256/{checked_digest(manifest)}/{number}.intoto.jsonl"


def build(image: str, build_key: str) -> str:
    return f"v1/builds/{_image(image)}/{checked_digest(build_key)}.json"


def manifest(image: str, sha256: str) -> str:
    return f"{IMAGES}{_image(image)}/targets/{checked_digest(sha256)}.manifest.json"


def channels(image: str) -> str:
    """Folder of an image's channels."""
    return f"{IMAGES}{_image(image)}/channels/"


def channel(image: str, name: str) -> str:
    """Folder of a channel's commits."""
    return f"{channels(image)}{checked_channel(name)}/"


def commit(image: str, name: str, number: int) -> str:
    return f"{channel(image, name)}{number}.json"


def _image(name: str) -> str:
    return escape(checked_image(name))


def _checked(pattern: re.Pattern[str], text: str, what: str, allowed: str, longest: int = 255) -> str:
    if len(text) > longest or ".." in text or not pattern.fullmatch(text):
        shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a line of a terminal
        raise UsageError(f"{shown!r} cannot be a {what}", hint=f"use {allowed}; no '..'")
    return text
