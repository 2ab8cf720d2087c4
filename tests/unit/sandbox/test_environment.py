# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.sandbox import environment
from runner.sandbox.choose import PROCESSES, VARIABLE, choose

HEADER = Path("/usr/include/linux/capability.h")


def test_every_capability_has_a_number() -> None:
    assert set(environment.CAPABILITY_NUMBERS) == set(environment.CAPABILITIES)


@pytest.mark.skipif(not HEADER.exists(), reason="no kernel headers here")
def test_capability_numbers_are_the_kernels() -> None:
    kernel = {
        name: int(number)
        for name, number in re.findall(r"#define (CAP_\w+)\s+(\d+)$", HEADER.read_text(), re.MULTILINE)
    }
    assert {name: kernel[name] for name in environment.CAPABILITIES} == environment.CAPABILITY_NUMBERS


def test_nothing_that_reaches_the_kernel_is_kept() -> None:
    forbidden = ("SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "NET_", "MKNOD", "BPF", "SYS_RESOURCE")
    assert not [name for name in environment.CAPABILITIES if any(part in name for part in forbidden)]


def test_callers_win_and_the_base_stays() -> None:
    made = environment.environment({"TZ": "CET", "A": "b"}, "/srv")
    assert made == {**environment.BASE, "TZ": "CET", "A": "b", "PWD": "/srv"}


def test_an_unknown_sandbox_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="jail"):
        choose(env={VARIABLE: "jail"})


@pytest.mark.parametrize("wanted", ["0", "-1", "many", "²", "5000000"])
def test_a_number_of_processes_is_a_number(wanted: str) -> None:
    with pytest.raises(UsageError, match="PACKHOUSE_PROCESSES is no number of processes"):
        choose(env={PROCESSES: wanted})
