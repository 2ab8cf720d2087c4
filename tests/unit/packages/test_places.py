# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import ResolveError
from runner.packages.places import local_folder

HERE = Path("/checkout/image")


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("this://repo", HERE / "repo"),
        ("this:///repo/a%20b", HERE / "repo/a b"),
        ("dir:///srv/x", Path("/srv/x")),
        ("file:///srv/a%23b", Path("/srv/a#b")),
        ("/srv/50%25 off#1", Path("/srv/50%25 off#1")),
        ("https://example.org/x", None),
    ],
)
def test_local_addresses_are_folders(uri: str, folder: Path | None) -> None:
    assert local_folder(uri, HERE) == folder


@pytest.mark.parametrize("uri", ["this://../secrets", "this://a/%2e%2e/%2e%2e/b", "http://[half"])
def test_addresses_that_lead_out_or_nowhere_are_refused(uri: str) -> None:
    with pytest.raises(ResolveError):
        local_folder(uri, HERE)


def test_a_link_does_not_lead_out_of_the_description(tmp_path: Path) -> None:
    (tmp_path / "description").mkdir()
    (tmp_path / "description/link").symlink_to(tmp_path)
    with pytest.raises(ResolveError, match="outside"):
        local_folder("this://link", tmp_path / "description")


def test_a_port_that_is_no_number_is_no_address() -> None:
    with pytest.raises(ResolveError, match="is none"):
        local_folder("http://host:bad/debian", HERE)
