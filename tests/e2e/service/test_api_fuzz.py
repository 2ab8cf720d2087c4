# SPDX-License-Identifier: Apache-2.0
"""Made-up calls of everything the API's description tells of: no server error, and answers as described."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.service.web.server import serving
from tests.support import site as filled

if TYPE_CHECKING:
    from runner.service.serve import Runner

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-web")]

EXAMPLES = os.environ.get("PACKHOUSE_FUZZ_EXAMPLES", "25")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]  # noqa: ANN201
    for name, value in filled.environment().items():
        monkeypatch.setenv(name, value)
    with filled.runner_in(tmp_path) as runner:
        filled.fill(runner)
        yield runner


def test_made_up_calls_find_no_fault(runner: Runner, tmp_path: Path) -> None:
    schemathesis = Path(sys.executable).with_name("schemathesis")
    with serving(runner) as url:
        done = subprocess.run(
            [
                schemathesis, "run", f"{url}/api/schema", "--checks", CHECKS, "--max-examples", EXAMPLES,
                "--phases", "examples,coverage,fuzzing", "--seed", "7", "--request-timeout", "60",
                "--exclude-path-regex", "/events$", "--header",
                f"Authorization: Bearer {filled.TOKENS['TOKEN_ADMIN']}",
            ],
            capture_output=True, text=True, check=False, cwd=tmp_path, timeout=800,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    for secret in (*filled.TOKENS.values(), filled.SECRET):
        assert secret not in done.stdout.replace(f"Bearer {filled.TOKENS['TOKEN_ADMIN']}", "")
