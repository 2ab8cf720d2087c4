# SPDX-License-Identifier: Apache-2.0
"""The text of a description without the logins of its repositories: it goes into the image, they do not."""

from __future__ import annotations

from runner.redact import strip_credentials

_ATTRIBUTES = ("username", "password")


def without_logins(text: str) -> str:
    """Return the description ``text`` (XML) without ``username``, ``password`` and logins inside addresses.

    A text that has none comes back as it is, byte for byte.
    """
    from lxml import etree

    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    changed = False
    for repository in root.iter("repository"):
        for name in _ATTRIBUTES:
            changed |= repository.attrib.pop(name, None) is not None
        for source in repository.iter("source"):
            path = source.get("path") or ""
            if strip_credentials(path) != path:
                source.set("path", strip_credentials(path))
                changed = True
    if not changed:
        return text
    return etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True).decode() + "\n"
