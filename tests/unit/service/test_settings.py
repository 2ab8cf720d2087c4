# SPDX-License-Identifier: Apache-2.0
"""What the parts of the runner are told of the configuration, and what that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.redact import MASK
from runner.service.config.model import Repository, SecretSource, ServiceConfig
from runner.service.config.secrets import Secrets
from runner.service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_look_fetches_the_secrets_of_others_only_when_there_is_something_to_hide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own", "other"):
        (tmp_path / name).write_text(f"{name}-secret-1")
    config = ServiceConfig(
        secrets={name: SecretSource(file=str(tmp_path / name)) for name in ("own", "other")},
        repositories={"images": Repository(url="https://h/i.git", environment={"TOKEN": "own"})},
    )
    asked: list[str] = []
    value = Secrets.value

    def noted(secrets: Secrets, name: str) -> str:
        asked.append(name)
        return value(secrets, name)

    monkeypatch.setattr(Secrets, "value", noted)
    found = Settings(config, {}).watch("images")
    assert found is not None
    assert asked == ["own"]
    assert found[0].environment["TOKEN"] == "own-secret-1"
    for name in ("own", "other"):
        (tmp_path / name).write_text(f"{name}-secret-2")
    said = " ".join(f"{name}-secret-{number}" for name in ("own", "other") for number in (1, 2))
    assert found[0].redact(said) == f"{MASK} {MASK} other-secret-1 {MASK}"
    assert "other" in asked
