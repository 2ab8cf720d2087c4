# SPDX-License-Identifier: Apache-2.0
"""The door for subprocesses: output, limits, process groups, secrets."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner.errors import BuildError, HostError, LimitError
from runner.process import Limits, StoppedError, run
from runner.redact import MASK, Redactor


def test_standard_output_comes_back_and_standard_error_feeds_the_tail() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2"])
    assert done.stdout == b"out\n"
    assert done.tail == ("err",)


def test_with_a_sink_both_streams_arrive_line_by_line_in_order() -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo one; echo two >&2; printf three"], sink=lines.append)
    assert lines == ["one", "two", "three"]


def test_standard_input_of_any_size_reaches_the_child() -> None:
    data = bytes(range(256)) * 8192
    assert run(["cat"], stdin=data).stdout == data


def test_a_child_that_does_not_read_its_input_is_no_error() -> None:
    assert run(["true"], stdin=b"x" * (1 << 20)).returncode == 0


def test_failure_names_the_action_and_shows_the_last_lines() -> None:
    with pytest.raises(BuildError, match=r"config\.sh failed with exit code 3") as caught:
        run(
            ["sh", "-c", "for i in $(seq 60); do echo line $i; done; exit 3"],
            sink=lambda _: None,
            what="config.sh",
        )
    assert caught.value.log_tail[0] == "line 21"
    assert caught.value.log_tail[-1] == "line 60"


def test_an_error_shows_no_more_than_the_beginning_of_a_long_line() -> None:
    lines: list[str] = []
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "head -c 50000 /dev/zero | tr '\\0' x; exit 3"], sink=lines.append)
    assert caught.value.log_tail == ("x" * 2000 + "…",)
    assert lines == ["x" * 50000]


def test_a_signal_is_named() -> None:
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "kill -SEGV $$"])
    assert caught.value.why == "signal SIGSEGV"


def test_a_missing_program_is_a_fault_of_the_machine() -> None:
    with pytest.raises(HostError, match="no-such-program"):
        run(["no-such-program"])


def test_time_limit_kills_grandchildren_too(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    started = time.monotonic()
    with pytest.raises(LimitError, match=r"longer than 0\.5 s"):
        run(["sh", "-c", f"(sleep 2; touch {mark}) & sleep 60"], limits=Limits(seconds=0.5))
    assert time.monotonic() - started < 5
    time.sleep(2.2)
    assert not mark.exists()


def test_a_child_that_closes_its_output_and_goes_on_is_still_limited() -> None:
    with pytest.raises(LimitError):
        run(["sh", "-c", "exec >&- 2>&-; sleep 60"], limits=Limits(seconds=0.5))


def test_output_limit_ends_a_flood() -> None:
    with pytest.raises(LimitError, match="bytes of output"):
        run(["yes"], sink=lambda _: None, limits=Limits(output_bytes=1 << 20))


def test_a_line_without_end_does_not_fill_memory() -> None:
    lines: list[str] = []
    run(["head", "-c", "1000000", "/dev/zero"], sink=lines.append)
    assert len(lines) > 5
    assert sum(line.count("\\x00") + line.count("\0") for line in lines) == 1_000_000


def test_secrets_never_leave_through_the_sink_or_the_error() -> None:
    lines: list[str] = []
    redact = Redactor.of(["hunter2!"])
    with pytest.raises(BuildError) as caught:
        run(["sh", "-c", "echo pass=hunter2! https://u:p@h/; exit 1"], sink=lines.append, redact=redact)
    assert lines == [f"pass={MASK} https://{MASK}@h/"]
    assert "hunter2!" not in "".join(caught.value.log_tail)


def test_the_environment_is_ours_not_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    out = run(["env"]).stdout.decode()
    assert "canary" not in out
    assert "TZ=UTC" in out


def test_a_tool_that_is_stopped_may_clean_up(tmp_path: Path) -> None:
    script = f"trap 'echo bye >{tmp_path}/note; exit 1' TERM; echo ready; sleep 60 & wait"
    heard: list[str] = []
    began = time.monotonic()
    with pytest.raises(StoppedError):
        run(["sh", "-c", script], sink=heard.append, stop=lambda: bool(heard))
    assert time.monotonic() - began < 2
    assert (tmp_path / "note").read_text() == "bye\n"


def test_a_tool_that_will_not_stop_is_killed() -> None:
    heard: list[str] = []
    began = time.monotonic()
    with pytest.raises(StoppedError):
        run(["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"], sink=heard.append, stop=lambda: True)
    assert time.monotonic() - began < 4
    assert all(not Path(f"/proc/{pid}").exists() for pid in heard)


def test_a_tool_that_nobody_stops_ends_by_itself() -> None:
    assert run(["sh", "-c", "sleep 0.5; echo done"], stop=lambda: False).stdout == b"done\n"
