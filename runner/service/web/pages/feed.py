# SPDX-License-Identifier: Apache-2.0
"""An Atom feed (RFC 4287) of the releases in a channel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from litestar import Response, get

from runner.byte_size import rough_size
from runner.service.forges.report import short_ref
from runner.service.jobs.history import releases
from runner.service.web.find import destination_by_name, release_of
from runner.service.web.pages.shown import iso, short, url
from runner.service.web.parameters import Name, TheSite

if TYPE_CHECKING:
    from runner.service.answers import Release

_ATOM = "http://www.w3.org/2005/Atom"
_NEWEST = 50
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@get("/feeds/{destination:str}/{image:str}/{channel:str}", sync_to_thread=True, include_in_schema=False)
def feed(site: TheSite, destination: Name, image: Name, channel: Name) -> Response[bytes]:
    """Give the newest releases of an image in a channel."""
    destination_by_name(site, destination)
    found = releases(site.runner.engine, destination, channel, image, limit=_NEWEST)
    base = site.config.public_url.rstrip("/")
    page = url("channels", destination, image, channel)
    root = ET.Element("feed", {"xmlns": _ATOM})
    _add(root, "id", f"urn:packhouse:channel:{destination}:{image}:{channel}")
    _add(root, "title", f"{image}:{channel}")
    _add(root, "updated", iso(found[0].ended_at or 0.0) if found else iso(0.0))
    ET.SubElement(root, "link", {"rel": "alternate", "href": f"{base}{page}"})
    author = ET.SubElement(root, "author")
    _add(author, "name", "Packhouse")
    for job in found:
        _entry(root, release_of(job), base)
    return Response(ET.tostring(root, "utf-8", xml_declaration=True), media_type="application/atom+xml")


def _entry(root: ET.Element, release: Release, base: str) -> None:
    entry = ET.SubElement(root, "entry")
    _add(entry, "id", f"urn:packhouse:manifest:sha256:{release.manifest}:{release.channel}:{release.number}")
    _add(entry, "title", f"{release.image} {release.version}, release {release.number} in {release.channel}")
    _add(entry, "updated", iso(release.published_at))
    ET.SubElement(entry, "link", {"rel": "alternate", "href": f"{base}{url('jobs', release.job)}"})
    files = "\n".join(f"{item.name}  {rough_size(item.size)}  sha256:{item.sha256}" for item in release.artifacts)
    _add(entry, "content", f"From {short_ref(release.ref)} at {short(release.commit)}.\n\n{files}", type="text")


def _add(parent: ET.Element, name: str, value: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = _NOT_XML.sub("�", value)


ROUTES = (feed,)
