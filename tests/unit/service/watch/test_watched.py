# SPDX-License-Identifier: Apache-2.0
"""Which branches and tags count, and where what is built of them goes, whatever people call them."""

from __future__ import annotations

import pytest

from runner.service.config.model import Destination, Repository
from runner.service.watch.watched import channel_of, watched
from runner.sources.remote import RemoteRefs

DESTINATION = Destination(
    url="file:///releases",
    channels={"main": "edge", "release/*": "testing", "refs/tags/v*": "strange"},
    tag_channels={"v*-rc*": "candidate", "v*": "stable"},
)


@pytest.mark.parametrize(
    ("ref", "channel"),
    [
        ("refs/heads/main", "edge"),
        ("refs/heads/release/1/x", "testing"),
        ("refs/heads/other", ""),
        ("refs/tags/v1.0", "stable"),
        ("refs/tags/v1.0-rc1", "candidate"),
        ("refs/tags/main", ""),
        ("refs/heads/v1.0", ""),
        ("refs/tags/refs/heads/main", ""),
        ("refs/heads/refs/tags/v1.0", "strange"),
        ("refs/heads/refs/heads/main", ""),
        ("refs/heads/heads/main", ""),
        ("refs/heads/tags/v1.0", ""),
    ],
)
def test_a_branch_or_tag_goes_where_its_own_name_says(ref: str, channel: str) -> None:
    assert channel_of(DESTINATION, ref) == channel


def test_nothing_goes_nowhere() -> None:
    assert channel_of(None, "refs/heads/main") == ""


def test_by_default_all_goes_into_one_channel() -> None:
    destination = Destination(url="file:///releases")
    assert {channel_of(destination, ref) for ref in ("refs/heads/x", "refs/tags/x")} == {"edge"}


def test_branches_and_tags_are_chosen_by_patterns_of_their_own() -> None:
    repository = Repository(url="https://git.example.org/images.git", refs=("HEAD", "v2*"), tags=("v1*",))
    names = ("heads/main", "heads/HEAD", "heads/v1", "heads/v2", "heads/refs/tags/v1", "tags/v1", "tags/v2")
    refs = RemoteRefs("refs/heads/main", {f"refs/{name}": "c" * 40 for name in (*names, "tags/refs/heads/v2")})
    assert watched(repository, refs).keys() == {"refs/heads/main", "refs/heads/v2", "refs/tags/v1"}
