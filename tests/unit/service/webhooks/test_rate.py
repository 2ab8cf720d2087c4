# SPDX-License-Identifier: Apache-2.0
"""One source may not call too often, and many sources may not fill the memory."""

from __future__ import annotations

from runner.service.webhooks.rate import RateLimiter, network_of


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    limiter = RateLimiter(rate=2.0, burst=3)
    assert [limiter.wait("192.0.2.1", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.wait("192.0.2.1", 100.25) == 0.25
    assert limiter.wait("192.0.2.1", 100.5) == 0
    assert limiter.wait("192.0.2.1", 100.5) == 0.5
    assert [limiter.wait("192.0.2.1", 900.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_sources_do_not_hinder_each_other() -> None:
    limiter = RateLimiter(rate=1.0, burst=1)
    assert limiter.wait("192.0.2.1", 0.0) == 0
    assert limiter.wait("192.0.2.1", 0.0) > 0
    assert limiter.wait("192.0.2.2", 0.0) == 0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    limiter = RateLimiter(rate=1.0, burst=1)
    limiter.wait("192.0.2.1", 1000.0)
    assert limiter.wait("192.0.2.1", 10.0) > 0


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(sources=100)
    for number in range(10_000):
        limiter.wait(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(limiter) == 100


def test_a_customer_of_ipv6_is_one_source() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert len(network_of("x" * 10_000)) == 64
