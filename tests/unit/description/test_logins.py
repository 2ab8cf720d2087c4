# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.description.logins import without_logins

PLAIN = '<?xml version="1.0"?>\n<image name="x"><!-- kept -->\n <repository><source path="https://h/d"/></repository></image>\n'


def test_a_description_without_logins_stays_as_it_is() -> None:
    assert without_logins(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "repository",
    [
        '<repository username="canary" alias="a"><source path="https://h/d"/></repository>',
        '<repository password="canary"><source path="https://h/d"/></repository>',
        '<repository><source path="https://u:canary@h/d"/></repository>',
    ],
)
def test_logins_are_left_out_and_all_else_stays(repository: str) -> None:
    text = without_logins(f'<image name="ü"><!-- kept -->{repository}</image>')
    assert "canary" not in text
    assert "<!-- kept -->" in text
    assert 'name="ü"' in text
    assert 'path="https://h/d"' in text
