# SPDX-License-Identifier: Apache-2.0
"""What the README says that a person writes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.support.packhouse import PROJECT


def readme_configuration() -> dict[str, Any]:
    """Return the ``packhouse.yaml`` of the README."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(text)
    return found
