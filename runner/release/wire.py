# SPDX-License-Identifier: Apache-2.0
r"""The scalar types of the manifest: what a digest, a name, a path, a time may look like.

Patterns end in ``(?![\s\S])`` rather than ``$``: that is the end of the text in Python as well as in the
ECMAScript expressions of JSON Schema, while Python's ``$`` would let a trailing line feed pass.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

_END = r"(?![\s\S])"
_SEGMENT = rf"(?!\.\.?(?:/|{_END}))[^/\x00-\x1f\x7f\\]+"

Sha256 = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{64}}{_END}", description="hexadecimal SHA-256")]
BlobId = Annotated[str, msgspec.Meta(pattern=rf"^sha256:[0-9a-f]{{64}}{_END}", description="sha256:<hexadecimal>")]
GitId = Annotated[
    str, msgspec.Meta(pattern=rf"^(?:[0-9a-f]{{40}}|[0-9a-f]{{64}}){_END}", description="git object id")
]
FileName = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^[A-Za-z0-9_+~][A-Za-z0-9._+~:@=,-]*{_END}",
        max_length=255,
        description="plain file name: no directory part, no leading dot or dash, nothing a shell would eat",
    ),
]
RelativePath = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^(?:\.|{_SEGMENT}(?:/{_SEGMENT})*){_END}",
        max_length=4096,
        description="relative, normalised path with forward slashes, '.' for the top",
    ),
]
Timestamp = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z{_END}",
        description="RFC 3339, UTC, whole seconds",
    ),
]
Uri = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f]+{_END}",
        max_length=4096,
        description="URI without credentials",
    ),
]
BuildId = Annotated[
    str, msgspec.Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,63}}{_END}", description="unique per attempt")
]
Size = Annotated[int, msgspec.Meta(ge=0, description="bytes")]
Count = Annotated[int, msgspec.Meta(ge=0)]


def timestamp(moment: datetime) -> str:
    """Return ``moment`` (which must carry a time zone) as RFC 3339 in UTC, whole seconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone has no meaning in a manifest")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
