# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.plan.embedded import without_secrets
from runner.plan.users import hash_password

PLAIN = '<?xml version="1.0"?>\n<image name="x"><!-- kept -->\n <repository><source path="https://h/d"/></repository></image>\n'


def test_a_description_without_secrets_stays_as_it_is() -> None:
    assert without_secrets(PLAIN) == PLAIN


@pytest.mark.parametrize(
    "repository",
    [
        '<repository username="canary" alias="a"><source path="https://h/d"/></repository>',
        '<repository password="canary"><source path="https://h/d"/></repository>',
        '<repository><source path="https://u:canary@h/d"/></repository>',
    ],
)
def test_logins_are_left_out_and_all_else_stays(repository: str) -> None:
    text = without_secrets(f'<image name="ü"><!-- kept -->{repository}</image>')
    assert "canary" not in text
    assert "<!-- kept -->" in text
    assert 'name="ü"' in text
    assert 'path="https://h/d"' in text


def test_a_plain_password_stands_as_the_hash_the_image_has() -> None:
    user = '<users><user name="root" password="linux-secret" pwdformat="plain"/></users>'
    text = without_secrets(f'<image name="box">{user}</image>')
    assert "linux-secret" not in text
    assert hash_password("linux-secret", image_name="box", user="root") in text
    assert 'pwdformat="encrypted"' in text
