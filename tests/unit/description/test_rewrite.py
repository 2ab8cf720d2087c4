# SPDX-License-Identifier: Apache-2.0
"""What ``packhouse upgrade`` makes of files: layout and comments kept, and nothing more to do the second time."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.main import cli
from runner.description import load
from runner.description.formats import SYNTAXES, parse, syntax_of
from runner.description.formats.layout import remember, restore
from runner.description.rewrite import rewrite
from runner.description.upgrade import NEWEST, STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from runner.description.formats import Syntax

OLD = """\
<?xml version='1.0' encoding="utf-8"?>
<!-- OBS-Profiles: @BUILD_FLAVOR@ -->

<?some instruction?>
<image schemaversion="6.9"
       name='te-st'   displayname="a &quot;b&quot; &#10;c"
>
  <description type = "system">
    <author>A</author>   <!-- the author -->
    <contact>c@example.org</contact><specification><![CDATA[a < b]]></specification>
  </description>
  <!-- prefs -->
  <preferences>
    <version>1.1.10</version>
    <packagemanager>apt-get</packagemanager> <!-- apt! -->
    <type image="vmx"
          filesystem="ext4"
          bootloader="grub2"/>
    <type image="oem" filesystem="ext4" vga="791" bootloader="grub2" />
  </preferences>
  <repository><source path="mirror://debian"></source></repository>
</image>
<!-- end -->
"""

DIFF = """\
-<image schemaversion="6.9"
+<image schemaversion="8.5"
-    <packagemanager>apt-get</packagemanager> <!-- apt! -->
-    <type image="vmx"
-          filesystem="ext4"
-          bootloader="grub2"/>
-    <type image="oem" filesystem="ext4" vga="791" bootloader="grub2" />
+    <packagemanager>apt</packagemanager> <!-- apt! -->
+    <type image="oem"
+          filesystem="ext4">
+      <bootloader name="grub2"/>
+      <oemconfig>
+        <oem-resize>false</oem-resize>
+      </oemconfig>
+    </type>
+    <type image="oem" filesystem="ext4">
+      <bootloader name="grub2"/>
+    </type>
"""

COMMENTS = ("OBS-Profiles: @BUILD_FLAVOR@", "the author", "prefs", "apt!", "end")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "description").mkdir()
    (tmp_path / "description/config.xml").write_text(OLD)
    return tmp_path / "description"


def upgrade(*argv: str | Path) -> Result:
    return CliRunner().invoke(cli, ["upgrade", *map(str, argv)], catch_exceptions=False, standalone_mode=False)


def test_a_diff_shows_the_upgrade_and_nothing_else(folder: Path) -> None:
    (file,) = rewrite(folder)
    lines = difflib.unified_diff(OLD.splitlines(keepends=True), file.after.decode().splitlines(keepends=True), n=0)
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    assert "".join(changed) == DIFF


@pytest.mark.parametrize("to", SYNTAXES)
def test_it_means_the_same_in_every_syntax(folder: Path, to: Syntax) -> None:
    before = load(folder)
    (file,) = rewrite(folder, to=to)
    assert syntax_of(file.after, "x") == to
    (folder / "config.xml").write_bytes(file.after)
    after = load(folder)
    assert after.image.displayname == before.image.displayname
    for one, two in zip(before.preferences, after.preferences, strict=True):
        assert (one.version, one.packagemanager) == (two.version, two.packagemanager)
        assert [entry.attributes for entry in one.types] == [entry.attributes for entry in two.types]
    text = file.after.decode()
    kept = [comment for comment in COMMENTS if comment in text]
    assert (kept, file.lost_comments) == (([], 5) if to == "json" else (list(kept), 0))
    assert to == "json" or sorted(kept) == sorted(COMMENTS)


@pytest.mark.parametrize("to", SYNTAXES)
def test_a_second_time_there_is_nothing_to_do(folder: Path, to: Syntax) -> None:
    (first,) = rewrite(folder, to=to)
    (folder / "config.xml").write_bytes(first.after)
    for again in (rewrite(folder), rewrite(folder, to=to)):
        assert not again[0].changed
        assert again[0].changes == ()


VERSIONS = [source for source, _, _ in STEPS]
PIECES = [
    "<!-- a - b -->",
    "<users group='g' id='1'><user name='a' pwd='x'/></users>",
    "<preferences><packagemanager>yum</packagemanager><hwclock>utc</hwclock></preferences>",
    "<preferences><size>1</size><oem-swap>yes</oem-swap><type>oem</type><type>vmx</type></preferences>",
    "<preferences><type image='vmx' vga='1' bootloader_console='a b' container='c'\n hybrid=''/></preferences>",
    "<packages type='boot'><opensusePattern name='a'/><package name='b' replaces='c'/></packages>",
    "<preferences><type image='xen'><xenconfig domain='dom0'/></type><boot-theme>t</boot-theme></preferences>",
    "<repository type='yast2' status='x'><source path='a'/></repository>",
]


@settings(max_examples=150, deadline=None)
@given(version=st.sampled_from(VERSIONS), pieces=st.lists(st.sampled_from(PIECES), max_size=6))
def test_upgrading_twice_is_upgrading_once(version: str, pieces: list[str]) -> None:
    from runner.description.upgrade import upgrade as lift

    source = f"<image schemaversion='{version}' name='x'>\n  " + "\n  ".join(pieces) + "\n</image>\n"
    root = parse(source.encode(), "x")
    layout = remember(root, source)
    lift(root)
    once = restore(root, layout)
    again = parse(once.encode(), "x")
    layout = remember(again, once)
    assert lift(again).changes == ()
    assert restore(again, layout) == once
    # The same steps once more find nothing, but for the bootloader that two of them imply and move.
    again.set("schemaversion", version)
    left = [change.what for change in lift(again).changes if "bootloader" not in change.what]
    assert left == []


UNCHANGED = ["<image a='1'/>", "<a\n>x</a>", "<a><b></b><c\t/>\n<d e = '&#10;'  f=\">\" /></a>"]


@pytest.mark.parametrize("source", UNCHANGED)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_does_not_change_is_its_source(source: str, line_end: str) -> None:
    for form in (source, f"<!--c-->\n{source}\n<!--d-->\n\n"):
        text = form.replace("\n", line_end)
        root = parse(text.encode(), "x")
        assert restore(root, remember(root, text)) == text


def test_other_encodings_become_utf8(folder: Path) -> None:
    text = OLD.replace('encoding="utf-8"', 'encoding="iso-8859-1"').replace("the author", "Größe")
    (folder / "config.xml").write_bytes(text.encode("iso-8859-1"))
    after = rewrite(folder)[0].after.decode()
    assert "Größe" in after
    assert 'encoding="utf-8"' in after


def test_included_files_are_rewritten_with_it(folder: Path) -> None:
    (folder / "config.xml").write_text(OLD.replace("</image>", '  <include from="users.yaml"/>\n</image>'))
    users = "# who\nimage:\n  users:\n    user: {'@name': root, '@password': x}\n"
    (folder / "users.yaml").write_text(users)
    assert upgrade(folder, "--in-place").return_value is None
    assert 'from="users.yaml"' in (folder / "config.xml").read_text()
    assert (folder / "users.yaml").read_text().startswith("# who\nimage:\n")
    assert f'"@schemaversion": "{NEWEST}"' in (folder / "users.yaml").read_text()
    assert not any(file.changed for file in rewrite(folder))


def test_the_command_prints_and_tells(folder: Path) -> None:
    done = upgrade(folder)
    assert done.stdout.encode() == rewrite(folder)[0].after
    assert "config.xml:15 (packagemanager): apt-get is now apt [7.3 → 7.4]" in done.stderr
    assert (folder / "config.xml").read_text() == OLD


def test_check_changes_nothing_and_says_so(folder: Path, tmp_path: Path) -> None:
    assert upgrade(folder, "--check").return_value == 1
    assert (folder / "config.xml").read_text() == OLD
    upgrade(folder, "--in-place")
    assert not upgrade(folder, "--check").return_value
    assert upgrade(folder, "--check", "--to", "yaml").return_value == 1


def test_output_to_a_file_keeps_the_source(folder: Path, tmp_path: Path) -> None:
    upgrade(folder, "--to", "toml", "-o", tmp_path / "out.toml")
    assert syntax_of((tmp_path / "out.toml").read_bytes(), "x") == "toml"
    assert (folder / "config.xml").read_text() == OLD


def test_json_tells_every_change(folder: Path) -> None:
    done = CliRunner().invoke(
        cli, ["--json", "upgrade", str(folder)], catch_exceptions=False, standalone_mode=False
    )
    (file,) = json.loads(done.stdout)["files"]
    assert (file["schemaversion"], file["changed"]) == ("6.9", True)
    assert {"line": 15, "element": "packagemanager", "what": "apt-get is now apt", "step": "7.3 → 7.4"} in file[
        "changes"
    ]
