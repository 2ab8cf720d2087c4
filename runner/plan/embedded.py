# SPDX-License-Identifier: Apache-2.0
"""The description as it goes into the image: without logins of repositories and without plain passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.users import hash_password
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from lxml.etree import _Element

_LOGIN = ("username", "password")


def without_secrets(text: str) -> str:
    """Return the description ``text`` (XML) without logins, and with plain passwords as the hashes they become.

    A text that has neither comes back as it is, byte for byte.
    """
    from lxml import etree

    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    changes = [_without_login(repository) for repository in root.iter("repository")]
    changes += [_hashed(user, root.get("name") or "") for user in root.iter("user")]
    if not any(changes):
        return text
    return etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True).decode() + "\n"


def _without_login(repository: _Element) -> bool:
    found = [repository.attrib.pop(name, None) is not None for name in _LOGIN]
    for source in repository.iter("source"):
        path = source.get("path") or ""
        found.append(strip_credentials(path) != path)
        source.set("path", strip_credentials(path))
    return any(found)


def _hashed(user: _Element, image_name: str) -> bool:
    if user.get("pwdformat") != "plain":
        return False
    hashed = hash_password(user.get("password") or "", image_name=image_name, user=user.get("name") or "")
    user.set("password", hashed)
    user.set("pwdformat", "encrypted")
    return True
