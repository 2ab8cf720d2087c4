# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.errors import HostError
from runner.packages.proxies import Proxies


def test_each_scheme_has_its_own_proxy() -> None:
    proxies = Proxies.of({"http_proxy": "http://a:1/", "HTTPS_PROXY": "b:2"})
    assert proxies.for_url("http://x.org/") == "http://a:1"
    assert proxies.for_url("https://x.org/") == "http://b:2"
    assert Proxies.of({}).for_url("http://x.org/") is None
    assert Proxies.of({"all_proxy": "http://c:3"}).for_url("https://x.org/") == "http://c:3"


def test_capitals_of_http_are_never_read() -> None:
    assert Proxies.of({"HTTP_PROXY": "http://evil:1"}).for_url("http://x.org/") is None


@pytest.mark.parametrize(
    ("exempt", "direct"),
    [
        ("x.org", True),
        (".x.org", True),
        ("a, X.ORG ,b", True),
        ("*", True),
        ("x.org:8080", True),
        ("x.org:80", False),
        ("org", True),
        ("ax.org", False),
        ("", False),
        (",", False),
    ],
)
def test_exempt_hosts_are_reached_directly(exempt: str, direct: bool) -> None:  # noqa: FBT001
    proxies = Proxies.of({"http_proxy": "http://a:1", "no_proxy": exempt})
    assert (proxies.for_url("http://deb.x.org:8080/debian") is None) is direct


@pytest.mark.parametrize("proxy", ["socks5://a:1", "http://", "http://a:port", 'http://a";Foo "b', "http://a b/"])
def test_an_unusable_proxy_is_named_without_its_login(proxy: str) -> None:
    with pytest.raises(HostError, match="http_proxy"):
        Proxies.of({"http_proxy": proxy})
    with pytest.raises(HostError) as caught:
        Proxies.of({"http_proxy": "ftp://user:canary@a"})
    assert "canary" not in str(caught.value)
