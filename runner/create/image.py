# SPDX-License-Identifier: Apache-2.0
"""The Image: result files with size and digest, in KIWI's naming."""

from __future__ import annotations

import msgspec


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file in the target directory; digest and size were computed while it was written.

    Attributes:
        name: file name (no directory part).
        role: KIWI's result key (``root_archive``, ``filesystem_image``, ``container``, ``packages``, …).
        media_type: of the file as it is.
        uncompressed_sha256, uncompressed_size: of the payload before compression, None when not compressed.
        bundle_compress, bundle_checksum: KIWI's flags in ``kiwi.result.json``.
    """

    name: str
    role: str
    media_type: str
    sha256: str
    size: int
    uncompressed_sha256: str | None = None
    uncompressed_size: int | None = None
    bundle_compress: bool = False
    bundle_checksum: bool = True


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What create made. ``key`` identifies inputs, step versions and tools."""

    key: str
    files: tuple[ResultFile, ...]
