# SPDX-License-Identifier: Apache-2.0
"""Take the docstring of a struct apart: what it is, and what each attribute means."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_ATTRIBUTE = re.compile(r"^ {4}(?P<name>[a-z_0-9]+): ", re.MULTILINE)


class Told(NamedTuple):
    """``summary`` is all before the attributes; ``texts`` has a line for each attribute, in Markdown."""

    summary: str
    texts: dict[str, str]


def attributes(docstring: str) -> Told:
    """Split a docstring in Google's style."""
    summary, _, section = inspect.cleandoc(docstring).partition("\n\nAttributes:\n")
    _, *parts = _ATTRIBUTE.split(section)
    texts = {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    return Told(_markdown(summary), {name: _markdown(text) for name, text in texts.items()})


def _markdown(text: str) -> str:
    return re.sub(r":[a-z]+:`([^`]+)`", r"``\1``", text).replace("``", "`")
