# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: help, exit codes, errors as text and as JSON, a fast start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from runner import __version__
from runner.cli.main import COMMANDS
from runner.cli.options import Session

if TYPE_CHECKING:
    from pathlib import Path


def packhouse(*argv: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PACKHOUSE_STORE": str(folder / "store"), "COLUMNS": "80", **env}
    environment.pop("PACKHOUSE_TRACEBACK", None)
    command = [sys.executable, "-m", "runner", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_version(tmp_path: Path) -> None:
    assert packhouse("--version", folder=tmp_path).stdout == f"packhouse {__version__}\n"


def test_help_fits_one_screen_and_no_line_is_cut(tmp_path: Path) -> None:
    text = packhouse("--help", folder=tmp_path).stdout
    assert len(text.splitlines()) <= 42
    assert "..." not in text.replace("[ARGS]...", "")
    assert all(f"  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tmp_path: Path, name: str) -> None:
    done = packhouse(name, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: packhouse")


def test_the_answer_to_version_imports_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "runner", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"click", "lxml", "boto3", "git", "structlog", "msgspec", "rich", "cryptography"}


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["plan", "nowhere"], 3, "nowhere"),
        (["plan", "."], 4, "no"),
        (["build", ".", "--channel", "x"], 2, "--publish"),
        (["build", "--no-such-option"], 2, "--no-such-option"),
        (["verify", ".", "--key", "missing.pub"], 12, "missing.pub"),
        (["fetch", "file:///nowhere-at-all", "x", "--key", "k", "-o", "out"], 11, "nowhere-at-all"),
        (["fetch", "gopher://x", "x", "--key", "k", "-o", "out"], 2, "gopher"),
        (["create", "--root", "empty", "--target-dir", "out"], 2, "prepare"),
        (["--mirror", "debian", "plan", "."], 2, "NAME=URL"),
    ],
)
def test_bad_calls_give_one_error_and_its_code(tmp_path: Path, argv: list[str], code: int, words: str) -> None:
    (tmp_path / "empty").mkdir()
    done = packhouse(*argv, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_errors_are_json_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "config.xml").write_text("<image>\n<oops\n</image>\n")
    done = packhouse("--json", "plan", ".", folder=tmp_path)
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (error["kind"], error["exit_code"], done.returncode) == ("description", 4, 4)
    assert error["file"] == "config.xml"
    assert error["line"] in {2, 3}


@pytest.mark.parametrize("argv", [["plan", "nowhere", "--json"], ["plan", "--json", "nowhere"]])
def test_global_options_may_follow_the_command(tmp_path: Path, argv: list[str]) -> None:
    done = packhouse(*argv, folder=tmp_path)
    assert (done.returncode, json.loads(done.stderr)["error"]["kind"]) == (3, "source")


@pytest.mark.parametrize("argv", [["build"], ["plan", ".", "--no-such"], ["no-such-command"], ["--timeout", "0"]])
def test_usage_errors_are_json_when_asked_for(tmp_path: Path, argv: list[str]) -> None:
    done = packhouse(*argv, "--json", folder=tmp_path)
    error = json.loads(done.stderr)["error"]
    assert (error["kind"], error["exit_code"], done.returncode) == ("usage", 2, 2)
    assert error["what"]


@pytest.mark.parametrize("before", [True, False])
def test_quiet_says_nothing_of_a_success(tmp_path: Path, before: bool) -> None:  # noqa: FBT001
    argv = ["keygen", "--out", "key"]
    done = packhouse(*(["-q", *argv] if before else [*argv, "-q"]), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "key.pub").is_file()


def test_what_is_given_twice_adds_up() -> None:
    from runner.cli.anywhere import global_options, with_global_options

    seen: list[Session] = []

    @click.command()
    @click.pass_obj
    def show(session: Session) -> None:
        seen.append(session)

    group = click.Group(params=global_options(), commands={"show": with_global_options(show)})
    group.main(
        [*("-v", "--mirror", "a=1", "--store", "x", "--packages-from", "s3://one", "show"),
         *("--mirror", "b=2", "--store", "y", "--packages-from", "s3://two", "--timeout", "5")],
        standalone_mode=False,
    )  # fmt: skip
    assert seen[0].mirrors == ("a=1", "b=2")
    assert seen[0].packages_from == ("s3://one", "s3://two")
    assert (str(seen[0].store), seen[0].timeout, seen[0].style.verbose) == ("y", 5.0, 1)
    assert not [name for name in show.params if name.opts != ["--help"]], "the command itself is as it was"


def test_where_packages_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("packages_from: [s3://configured]\ntimeout: 7\n")
    monkeypatch.setenv("PACKHOUSE_CONFIG", str(config))
    monkeypatch.delenv("PACKHOUSE_PACKAGES_FROM", raising=False)
    assert Session().machine().packages_from == ("s3://configured",)
    assert Session().machine().timeout == 7
    monkeypatch.setenv("PACKHOUSE_PACKAGES_FROM", "s3://a  s3://b")
    assert Session().machine().packages_from == ("s3://a", "s3://b")
    given = Session(packages_from=("s3://given",), timeout=3.0).machine()
    assert (given.packages_from, given.timeout) == (("s3://given",), 3.0)


def test_a_wrong_configuration_file_is_named(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("mirors: {}\n")
    done = packhouse("plan", ".", folder=tmp_path, PACKHOUSE_CONFIG=str(config))
    assert done.returncode == 2
    assert "mirors" in done.stderr
    assert str(config) in done.stderr


def test_keys_are_made_and_never_overwritten(tmp_path: Path) -> None:
    assert packhouse("keygen", "--out", "key", folder=tmp_path).returncode == 0
    before = (tmp_path / "key").read_bytes()
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    again = packhouse("keygen", "--out", "key", folder=tmp_path)
    assert again.returncode != 0
    assert (tmp_path / "key").read_bytes() == before


def test_completion_is_printed(tmp_path: Path) -> None:
    assert "_PACKHOUSE_COMPLETE" in packhouse("completion", "bash", folder=tmp_path).stdout
