# SPDX-License-Identifier: Apache-2.0
"""From KIWI's options to the pipeline's request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.cli.kiwi.asked import Asked
    from runner.pipeline.request import Selection


def choice(
    asked: Asked, source: str, *, allow_unsigned: bool = False, allow_expired: bool = False, **overrides: Any
) -> Selection:
    """Return which image of ``source`` is meant, and what is to be otherwise than its description says.

    Raises:
        UsageError: an override cannot be; names the option.
    """
    from runner.pipeline.request import Selection
    from runner.plan.overrides import read_overrides

    if url := asked.runtime.download_url:
        overrides["repository_map"] = (*overrides.get("repository_map", ()), f"obs:={url}")
    return Selection(
        source=source,
        kiwi_file=asked.kiwi_file,
        profiles=asked.profiles,
        type_name=asked.type_name,
        arch=asked.arch,
        allow_unsigned=allow_unsigned,
        allow_expired=allow_expired,
        overrides=read_overrides(**overrides),
    )
