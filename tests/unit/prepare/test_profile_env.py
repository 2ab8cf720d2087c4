# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import BuildError
from runner.prepare import profile_env

if TYPE_CHECKING:
    from runner.prepare.step import Bench

NAMES = st.from_regex(r"kiwi_[a-zA-Z0-9_]{0,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("shell", ["bash", "dash"])
@settings(max_examples=60, deadline=None)
@given(environment=st.dictionaries(NAMES, VALUES, max_size=6))
def test_sourcing_gives_back_the_values(shell: str, environment: dict[str, str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = profile_env.render(environment) + "".join(
        f"printf '%s\\0' \"${name}\"\n" for name in sorted(environment)
    )
    said = subprocess.run([shell, "-eu"], input=script.encode(), capture_output=True, check=True).stdout
    assert said.split(b"\0")[:-1] == [environment[name].encode() for name in sorted(environment)]


def test_sorted_and_quoted() -> None:
    assert profile_env.render({"b": "$(id)", "a": "x"}) == "a=x\nb='$(id)'\n"


@pytest.mark.parametrize("name", ["", "1a", "a b", "a;id", "a\n", "ä"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(BuildError):
        profile_env.render({name: "x"})


def test_written_at_the_top(bench: Bench) -> None:
    profile_env.run(profile_env.Inputs({"kiwi_iname": "a b"}), bench)
    assert (bench.root / ".profile").read_text() == "kiwi_iname='a b'\n"
