# SPDX-License-Identifier: Apache-2.0
"""Values of override options as typed: split, and checked against the same schema as a description."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Location, UsageError

if TYPE_CHECKING:
    from runner.description.schema.grammar import ElementRule

_TYPE = ("preferences", "type")
_CHOSEN_OTHERWISE = {"image": "choose it with --type", "primary": "choose the type with --type"}
_NAME = re.compile(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SECRET = frozenset({"luks"})


def said_by(option: str) -> Location:
    """Return the place of something that an option says."""
    return Location("the command line", element=option)


def pair(option: str, text: str) -> tuple[str, str]:
    """Split ``NAME=VALUE``.

    Raises:
        UsageError: there is no equals sign, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip()):
        raise UsageError(f"{option} {name!r} is not NAME=VALUE", hint=f"for instance {option} name=value")
    return name.strip(), value.strip()


def type_attribute(option: str, text: str) -> tuple[str, str]:
    """Read ``ATTRIBUTE=VALUE`` of a ``<type>``.

    Raises:
        UsageError: a type has no such attribute, or the value is not one of it.
    """
    name, value = pair(option, text)
    if name in _CHOSEN_OTHERWISE:
        raise UsageError(f"{option} cannot change {name!r}", hint=_CHOSEN_OTHERWISE[name])
    return name, checked(option, "type", name, value)


def checked(option: str, element: str, attribute: str, value: str) -> str:
    """Return ``value`` if the schema allows it for ``attribute`` of ``element`` (``type`` or ``repository``).

    Raises:
        UsageError: names the option, and what the schema has instead.
    """
    rule = _rule(*(_TYPE if element == "type" else (element,)))
    known = rule.attributes.get(attribute)
    if known is None:
        import difflib

        close = difflib.get_close_matches(attribute, rule.attributes, n=1, cutoff=0.7)
        raise UsageError(
            f"{option}: <{element}> has no attribute {attribute!r}",
            hint=f"did you mean {close[0]!r}?" if close else None,
        )
    if not known.value.accepts(value):
        shown = "this value" if attribute in _SECRET else repr(value)
        raise UsageError(f"{option}: {attribute} cannot be {shown}", hint=f"expected is {known.value.expected}")
    return value


def version(option: str, text: str) -> str:
    """Return ``text`` if it can stand in ``<version>``.

    Raises:
        UsageError: it cannot.
    """
    allowed = _rule("preferences", "version").text
    if not text.strip() or (allowed is not None and not allowed.accepts(text)):
        told = allowed.expected if allowed else "text"
        raise UsageError(f"{option}: {text!r} is not a version", hint=f"expected is {told}")
    return text.strip()


def package_name(option: str, text: str) -> str:
    """Return the trimmed name of a package.

    Raises:
        UsageError: empty, with white space, or one that a package manager would take for an option.
    """
    name = text.strip()
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{option} {text!r} is not a package name", hint="give one name; repeat the option for more"
        )
    return name


def key_uri(option: str, text: str) -> str:
    """Return the URI of a key; a path is that of a file of this machine.

    Raises:
        UsageError: there is no such file.
    """
    if _URI.match(text):
        return text
    path = Path(text).absolute()
    if not path.is_file():
        raise UsageError(f"{option}: there is no key file {text}", hint="give a file with a public key")
    return path.as_uri()


def _rule(*path: str) -> ElementRule:
    from runner.description.schema.grammar import grammar

    rule = grammar()
    for name in path:
        rule = rule.children[name].element
    return rule
