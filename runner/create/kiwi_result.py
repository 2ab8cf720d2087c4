# SPDX-License-Identifier: Apache-2.0
"""``kiwi.result.json``: what KIWI's tools read to learn which files a build left.

KIWI writes absolute paths. Ours are plain file names, relative to the file itself: a result must not depend on the
directory it was built in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.create.image import ResultFile

NAME = "kiwi.result.json"

_KEYS = {"packages": "image_packages"}
"""Where KIWI's key is not our role."""


def kiwi_result(files: Iterable[ResultFile]) -> bytes:
    """Return the file's content for ``files``: one entry a result key, keys sorted, indent 4."""
    entries = {
        _KEYS.get(file.role, file.role): {
            "compress": file.bundle_compress,
            "filename": file.name,
            "shasum": file.bundle_checksum,
            "use_for_bundle": True,
        }
        for file in files
    }
    return json.dumps(entries, sort_keys=True, indent=4).encode()
