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
    from runner.plan.model import Plan

NAME = "kiwi.result.json"

_KEYS = {"packages": "image_packages"}
"""Where KIWI's key is not our role."""


def kiwi_result(files: Iterable[ResultFile], plan: Plan) -> bytes:
    """Return the file's content for ``files``: one entry a result key, keys sorted, indent 4.

    A ``bundle_format`` of the type is recorded with what its placeholders stand for, as KIWI does.
    """
    entries: dict[str, object] = {
        _KEYS.get(file.role, file.role): {
            "compress": file.bundle_compress,
            "filename": file.name,
            "shasum": file.bundle_checksum,
            "use_for_bundle": True,
        }
        for file in files
    }
    if plan.type.bundle_format:
        entries["bundle_format"] = {"pattern": plan.type.bundle_format, "tags": _tags(plan)}
    return json.dumps(entries, sort_keys=True, indent=4).encode()


def _tags(plan: Plan) -> dict[str, str]:
    """The bundle's id is not known yet; parts that the version does not have are ``0``."""
    major, minor, patch = (*plan.image.version.split(".", 2), "0", "0")[:3]
    return {
        "N": plan.image.name,
        "P": "_".join(plan.profiles),
        "A": plan.arch,
        "I": "",
        "T": plan.type.image,
        "M": major,
        "m": minor,
        "p": patch,
        "v": plan.image.version,
    }
