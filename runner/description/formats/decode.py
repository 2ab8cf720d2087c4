# SPDX-License-Identifier: Apache-2.0
"""From bytes to text: the encoding by byte order mark, else by the XML declaration, else UTF-8."""

from __future__ import annotations

import codecs
import re

from runner.errors import DescriptionError, Location

_DECLARATION = re.compile(rb"^<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""First bytes and what they mean (XML 1.0, appendix F); the longer mark first."""


def decode(data: bytes, name: str) -> str:
    """Return the text of the file called ``name``, without a byte order mark.

    Raises:
        DescriptionError: the encoding is unknown, or the bytes are not valid in it.
    """
    encoding = _encoding(data)
    try:
        return str(data, encoding).removeprefix("\ufeff")
    except LookupError:  # unknown, or zip, hex and their like, which are no character encodings
        raise DescriptionError(
            f"unknown character encoding {encoding!r}", where=Location(name, 1), hint="save the file as UTF-8"
        ) from None
    except UnicodeError as error:
        line = data.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise DescriptionError(
            f"the file is not valid {encoding.upper()}",
            where=Location(name, line),
            hint="save the file as UTF-8, or declare its encoding in the first line",
        ) from None


def forbidden(text: str) -> re.Match[str] | None:
    """Find the first character that XML, and so no description, can hold."""
    return _FORBIDDEN.search(text)


def refuse_control(text: str, name: str) -> None:
    """Refuse NUL and other control characters.

    Raises:
        DescriptionError: there is one, with its line.
    """
    found = forbidden(text)
    if found:
        raise control_character(found[0], Location(name, text.count("\n", 0, found.start()) + 1))


def control_character(char: str, where: Location) -> DescriptionError:
    return DescriptionError(
        f"control character U+{ord(char):04X} in the description",
        where=where,
        why="XML does not allow it",
        hint="remove the character",
    )


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    declared = _DECLARATION.match(data)
    return "utf-8" if declared is None else declared[1].decode().lower().replace("_", "-")
