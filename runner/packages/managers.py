# SPDX-License-Identifier: Apache-2.0
"""The package managers this engine has, by KIWI's name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from runner.packages.api import PackageManager

_MODULES = {"apt": "runner.packages.apt"}


def package_manager(name: str) -> PackageManager:
    """Return the package manager ``name``.

    Raises:
        DescriptionError: this engine cannot build with it.
    """
    if name not in _MODULES:
        raise DescriptionError(
            f"package manager {name!r} is not supported for building yet",
            hint=f"supported: {', '.join(sorted(_MODULES))}",
        )
    return cast("PackageManager", importlib.import_module(_MODULES[name]))
