# SPDX-License-Identifier: Apache-2.0
"""KIWI's command line: what is used, ignored and refused, and that the page about it tells the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.cli.kiwi.document import document
from runner.cli.kiwi.table import COMMANDS, COMMON, OVERRIDES, Fate
from runner.cli.main import run

if TYPE_CHECKING:
    from runner.cli.kiwi.table import Command

PROJECT = Path(__file__).parents[3]
DESCRIPTION = """\
<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="tiny">
  <description type="system">
    <author>A</author><contact>c@example.org</contact><specification>S</specification>
  </description>
  <profiles><profile name="Small" description="small"/><profile name="Big" description="big"/></profiles>
  <preferences>
    <version>1.2.3</version><packagemanager>apt</packagemanager>
    <type image="ext4" primary="true"/><type image="docker"><containerconfig name="tiny"/></type>
  </preferences>
  <repository type="apt-deb" distribution="bookworm"><source path="mirror://debian"/></repository>
  <packages type="image"><package name="bash"/></packages>
  <packages type="image" profiles="Big"><package name="vim"/></packages>
</image>
"""


@pytest.fixture
def description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACKHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "description"
    folder.mkdir()
    (folder / "config.xml").write_text(DESCRIPTION)
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    stem = "tiny.x86_64-1.2.3"
    (folder / f"{stem}.ext4").write_bytes(b"\0" * 5000)
    (folder / f"{stem}.packages").write_text("")
    entry = {"compress": True, "filename": f"/gone/{stem}.ext4", "shasum": True, "use_for_bundle": True}
    packages = {**entry, "compress": False, "filename": f"/gone/{stem}.packages"}
    (folder / "kiwi.result.json").write_text(json.dumps({"filesystem_image": entry, "image_packages": packages}))
    return folder


def info(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert run(["kiwi", *argv]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_facts(description: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = info(capsys, "image", "info", "--description", str(description), "--list-profiles")
    assert (facts["image"], facts["version"], facts["type"]) == ("tiny", "1.2.3", "ext4")
    assert facts["packages"] == ["bash"]
    assert facts["profile_names"] == ["Small", "Big"]
    assert "kiwi_env" not in facts


def test_common_options_stand_anywhere(description: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["image", "info", "--description", str(description), "--print-kiwi-env"]
    chosen = ["--profile", "Big", "--profile=Small", "--type", "docker", "--target-arch", "aarch64"]
    before = info(capsys, *chosen, *where)
    assert before == info(capsys, where[0], *chosen, *where[1:])
    assert before == info(capsys, *where, *chosen)
    assert before == info(capsys, *chosen[:2], *where, *chosen[2:])
    assert before["kiwi_env"]["kiwi_profiles"] == "Big,Small"
    assert (before["type"], before["arch"], before["packages"]) == ("docker", "aarch64", ["bash", "vim"])


def test_repositories_are_overridden(description: Path, capsys: pytest.CaptureFixture[str]) -> None:
    added = "https://host/debian,apt-deb,mine,5,false,false,{},main contrib,trixie"
    facts = info(capsys, "image", "info", "--description", str(description), "--ignore-repos", "--add-repo", added)
    assert facts["repositories"] == ["https://host/debian"]


def test_the_runtime_configuration_counts_where_it_is_named(
    description: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DESCRIPTION.replace("mirror://debian", "obs://A:B/C")
    (description / "config.xml").write_text(text)
    config = description.parent / "kiwi.yml"
    config.write_text("obs:\n  - download_url: https://host/repositories\nxz:\n  - options: -9\n")
    assert run(["kiwi", "--config", str(config), "image", "info", "--description", str(description)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["repositories"] == ["https://host/repositories/A:/B/C"]
    assert "xz/options" in said.err


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "- a",
        "bundle: 1",
        "bundle: [1]",
        "bundle:\n  - compress: 3",
        "build_constraints:\n  - max_size: 4x",
        None,
    ],
)
def test_a_runtime_configuration_that_is_none_is_refused(
    description: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    config = description.parent / "kiwi.yml"
    if content is not None:
        config.write_text(content)
    assert run(["kiwi", "--config", str(config), "image", "info", "--description", str(description)]) == 1
    assert str(config) in capsys.readouterr().err


@pytest.mark.parametrize(("option", "start"), [("xml", "<"), ("yaml", "image:"), ("toml", "[image]")])
def test_the_description_is_printed(
    description: Path, capsys: pytest.CaptureFixture[str], option: str, start: str
) -> None:
    assert run(["kiwi", "image", "info", "--description", str(description), f"--print-{option}"]) == 0
    said = capsys.readouterr().out
    assert start in said
    again = description.parent / "again"
    again.mkdir()
    (again / "config.xml").write_text(said)
    assert info(capsys, "image", "info", "--description", str(again))["packages"] == ["bash"]


@pytest.mark.parametrize(
    "argv",
    [
        ["--no-such-option"],
        ["no-such-service"],
        ["system"],
        ["system", "build"],
        ["system", "build", "--description", "/nonexistent", "--target-dir", "t"],
        ["--loglevel", "much", "image", "info", "--description", "description"],
        ["--setenv", "x", "image", "info", "--description", "description"],
        ["--type", "vhd", "image", "info", "--description", "description"],
        ["--logfile", "/nonexistent/log", "image", "info", "--description", "description"],
        ["result", "list", "--target-dir", "/nonexistent"],
        ["system", "create", "--root", "/nonexistent", "--target-dir", "t"],
        ["system", "build", "--description", "description", "--target-dir", "t", "--set-type-attr", "x=y"],
    ],
)
def test_every_error_ends_with_1(description: Path, capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert run(["kiwi", *argv]) == 1
    said = capsys.readouterr()
    assert said.err
    assert "Traceback" not in said.err


def test_errors_are_json_when_asked(description: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "kiwi", "result", "list", "--target-dir", "/nonexistent"]) == 1
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "usage"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.service}-{command.name}")
def test_refused_options_tell_why(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for switch in command.switches:
        if switch.fate is Fate.REFUSED:
            value = ["x:y"] if switch.metavar else []
            assert run(["kiwi", command.service, command.name, switch.name, *value]) == 1
            said = capsys.readouterr().err
            assert f"{switch.name} is refused" in said
            assert switch.text in said
            assert "x:y" not in said
    if command.refused:
        assert run(["kiwi", command.service, command.name]) == 1
        assert command.refused in capsys.readouterr().err


def test_ignored_options_warn(description: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ignored = [switch for switch in COMMON if switch.fate is Fate.IGNORED]
    argv = [part for switch in ignored for part in (switch.name, *(["x"] if switch.metavar else []))]
    assert run(["kiwi", *argv, "image", "info", "--description", str(description)]) == 0
    said = capsys.readouterr().err
    assert [switch.name for switch in ignored if f"{switch.name} is ignored: " not in said] == []


def test_the_environment_is_set(
    description: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_HERE", "")
    info(capsys, "--setenv", "SET_HERE=a=b", "image", "info", "--description", str(description))
    import os

    assert os.environ["SET_HERE"] == "a=b"


def test_the_store_moves_and_the_log_is_kept(
    description: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--shared-cache-dir", str(tmp_path / "cache"), "--logfile", str(tmp_path / "log")]
    info(capsys, *argv, "image", "info", "--description", str(description))
    assert (tmp_path / "cache/packhouse").is_dir()
    assert "--- source" in (tmp_path / "log").read_text()


def test_results_are_listed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["kiwi", "result", "list", "--target-dir", str(results)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"filesystem_image  {results}/tiny.x86_64-1.2.3.ext4",
        f"image_packages    {results}/tiny.x86_64-1.2.3.packages",
    ]


def test_results_are_bundled(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bundle"
    argv = ["kiwi", "result", "bundle", "--target-dir", str(results), "--bundle-dir", str(out), "--id", "7"]
    assert run([*argv, "--no-compress", "--bundle-format", "%N-%A-%v-%I"]) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        f"tiny-x86_64-1.2.3-7.{end}" for end in ("ext4", "ext4.sha256", "packages", "packages.sha256")
    ]
    assert run(argv) == 0
    assert (out / "tiny.x86_64-1.2.3-7.ext4.xz").is_file()
    assert run(argv) == 1
    assert "is there already" in capsys.readouterr().err


def test_the_page_is_that_of_the_table() -> None:
    assert (PROJECT / "docs/kiwi-command-line.md").read_text(encoding="utf-8") == document()


def test_every_option_of_kiwi_is_known() -> None:
    known = {switch.name for switch in (*COMMON, *OVERRIDES) if not switch.ours}
    assert known >= {
        "--ignore-repos", "--ignore-repos-used-for-build", "--set-repo", "--add-repo", "--set-repo-credentials",
        "--add-repo-credentials", "--add-package", "--add-bootstrap-package", "--delete-package", "--signing-key",
        "--set-container-derived-from", "--set-container-tag", "--add-container-label", "--set-type-attr",
        "--set-release-version", "--ca-cert", "--ca-target-distribution", "--allow-existing-root", "--clear-cache",
        "--profile", "--type", "--kiwi-file", "--setenv", "--shared-cache-dir", "--temp-dir", "--target-arch",
        "--color-output", "--config", "--debug", "--debug-run-scripts-in-screen", "--logfile", "--logsocket",
        "--loglevel",
    }  # fmt: skip
