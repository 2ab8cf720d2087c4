# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.errors import SourceError
from runner.sources.refs import check_ref, no_such_ref

_MORE = ["/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a\\b", "a\nb", "a\x00b"]


@pytest.mark.parametrize(
    "ref", ["main", "feature/x", "v1.0", "refs/heads/main", "refs/pull/1/head", "HEAD", "1234567", "ümlaut", "a@b"]
)
def test_well_formed(ref: str) -> None:
    check_ref(ref)


@pytest.mark.parametrize(
    "ref",
    ["", "-x", "--upload-pack=id", "a b", "a..b", "a~1", "a^{}", "a:b", "a*", "a?", "a[0]", "@", "a@{1}", *_MORE],
)
def test_ill_formed(ref: str) -> None:
    with pytest.raises(SourceError):
        check_ref(ref)


def test_names_spelled_nearly_alike_are_suggested() -> None:
    known = {"HEAD": "", "refs/heads/main": "", "refs/tags/v1.0": "", "refs/heads/feature/login": ""}
    assert no_such_ref("u", "mian", known).hint == "did you mean main?"
    assert no_such_ref("u", "refs/heads/feature/logn", known).hint == "did you mean feature/login?"
    assert "git ls-remote u" in str(no_such_ref("u", "zzzzzz", known))
