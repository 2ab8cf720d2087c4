# SPDX-License-Identifier: Apache-2.0
"""What is ordered arrives as it was, whatever a configuration leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from runner.service.config.model import Repository
from runner.service.steps.order import ScanOrder, decode_order, encode_order
from tests.unit.service.config.strategies import configs

if TYPE_CHECKING:
    from runner.service.config.model import ServiceConfig


@given(configs())
def test_a_scan_of_any_repository_can_be_ordered(config: ServiceConfig) -> None:
    for settings in (Repository(url="https://git.example.org/a"), *config.repositories.values()):
        order = ScanOrder(name="a", commit="c" * 40, settings=settings, known={}, arch="x86_64")
        assert decode_order(encode_order(order)) == order
