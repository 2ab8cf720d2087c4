# SPDX-License-Identifier: Apache-2.0
"""``<include>``: what is placed, what errors say, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import InvalidDescriptionError, load
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

USERS = (
    '<image schemaversion="{version}" name="other"><users{more}><user name="{name}" password="x"/></users></image>'
)


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def users(name: str, version: str = "8.5", more: str = "") -> str:
    return USERS.format(version=version, more=more, name=name)


@pytest.mark.parametrize("address", ["parts/a.xml", "this://parts/a.xml", "file://{folder}/parts/a.xml"])
def test_children_take_the_place_of_the_include(write: Callable[..., Path], address: str) -> None:
    folder = write(f'<include from="{address.format(folder=write())}"/>')
    put(folder, "parts/a.xml", users("one"))
    description = load(folder)
    assert [user.name for section in description.users for user in section.users] == ["one"]
    assert description.image.name == "test"
    assert "include" not in description.text
    assert "base" not in description.text


def test_includes_of_includes_and_of_other_syntaxes(write: Callable[..., Path]) -> None:
    folder = write('<include from="a.yaml"/><users><user name="last" password="x"/></users>')
    put(folder, "a.yaml", "image:\n  include: {'@from': b.json}\n  users: {user: {'@name': a, '@password': x}}\n")
    put(folder, "b.json", '{"image": {"users": {"user": {"@name": "b", "@password": "x"}}}}')
    assert [user.name for section in load(folder).users for user in section.users] == ["b", "a", "last"]


def test_each_file_is_upgraded_by_its_own_version(write: Callable[..., Path]) -> None:
    folder = write(
        '<include from="old.xml"/><users group="g"><user name="new" password="x"/></users>', version="8.5"
    )
    put(folder, "old.xml", users("old", "6.3", ' group="wheel"'))
    with pytest.raises(InvalidDescriptionError, match="no attribute `group`") as caught:
        load(folder)
    assert [str(finding.where).partition(":")[0] for finding in caught.value.findings] == ["appliance.kiwi"]


def test_a_file_without_version_has_the_one_of_its_includer(write: Callable[..., Path]) -> None:
    folder = write('<include from="a.yaml"/>', version="6.3")
    put(folder, "a.yaml", "image:\n  users:\n    '@group': wheel\n    user: {'@name': a, '@password': x}\n")
    assert [group.name for group in load(folder).users[0].users[0].groups] == ["wheel"]


@pytest.mark.parametrize("name", ["parts/a b.xml", "ä%41.xml", "x.xml"])
def test_errors_name_the_included_file_and_its_line(write: Callable[..., Path], name: str) -> None:
    folder = write(f'<include from="{name}"/>')
    put(
        folder, name, '<image schemaversion="8.5">\n<users>\n<user name="x" password="x" nam="x"/></users></image>'
    )
    with pytest.raises(InvalidDescriptionError) as caught:
        load(folder)
    assert {str(finding.where) for finding in caught.value.findings} == {f"{name}:3 (user)"}


def test_errors_name_the_file_below_a_prepared_tree_too(tmp_path: Path) -> None:
    put(tmp_path, "image/config.xml", '<image schemaversion="8.5" name="x"><include from="a.xml"/></image>')
    put(tmp_path, "a.xml", "<image>\n<nonsense/></image>")
    with pytest.raises(InvalidDescriptionError) as caught:
        load(tmp_path)
    assert "a.xml:2 (nonsense)" in {str(finding.where) for finding in caught.value.findings}


def test_a_malformed_included_file_is_named(write: Callable[..., Path]) -> None:
    folder = write('<include from="a.xml"/>')
    put(folder, "a.xml", "<image>\n<users>\n</image>")
    with pytest.raises(DescriptionError, match=r"^a\.xml:3: .*not well-formed"):
        load(folder)


def test_a_circle_is_told_with_its_way(write: Callable[..., Path]) -> None:
    folder = write('<include from="a.xml"/>')
    put(folder, "a.xml", '<image>\n<include from="b.xml"/></image>')
    put(folder, "b.xml", '<image><include from="./a.xml"/></image>')
    with pytest.raises(DescriptionError, match=r"a\.xml → b\.xml → a\.xml") as caught:
        load(folder)
    assert str(caught.value.where) == "b.xml:1 (include)"


def test_the_main_file_cannot_include_itself(write: Callable[..., Path]) -> None:
    with pytest.raises(DescriptionError, match=r"appliance\.kiwi → appliance\.kiwi"):
        load(write('<include from="appliance.kiwi"/>'))


def test_a_file_elsewhere_in_the_checkout_counts_in_the_digest(write: Callable[..., Path]) -> None:
    folder = write('<include from="../shared/a.xml"/>')
    put(folder.parent, "shared/a.xml", users("one"))
    first = load(folder, boundary=folder.parent)
    assert str(first.users[0].at).startswith("../shared/a.xml:1")
    put(folder.parent, "shared/a.xml", users("two"))
    assert load(folder, boundary=folder.parent).digest != first.digest


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("../outside.xml", "leads outside of the folder"),
        ("/etc/passwd", "is no name of a file"),
        ("file:///etc/passwd", "leads outside of the folder"),
        ("link.xml", "leads outside of the folder"),
        ("loop.xml", "leads outside of the folder|cannot be included"),
        ("missing.xml", "cannot be included"),
        (".", "cannot be included"),
        ("", "is no name of a file"),
        ("file://[", "is no name of a file"),
        ("file:///a%00b", "is no name of a file"),
        ("this:///etc/passwd", "is no name of a file"),
        ("n" * 5000, "cannot be included"),
        ("http://127.0.0.1:9/a.xml", "from http:// is not read"),
        ("html.xml", "is a <html>"),
        ("new.xml", "newer than this engine"),
    ],
)
def test_includes_that_are_refused(write: Callable[..., Path], address: str, message: str) -> None:
    folder = write(f'<include from="{address}"/>')
    put(folder.parent, "outside.xml", users("secret"))
    put(folder, "html.xml", "<html/>")
    put(folder, "new.xml", '<image schemaversion="99.0"/>')
    for name, target in (("link.xml", "../outside.xml"), ("loop.xml", "loop.xml")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    with pytest.raises(DescriptionError, match=message):
        load(folder)


def test_an_include_below_another_element_is_told(write: Callable[..., Path]) -> None:
    with pytest.raises(InvalidDescriptionError, match="<users> has no element <include>"):
        load(write('<users><include from="a.xml"/></users>'))


def test_includes_that_double_are_stopped(write: Callable[..., Path]) -> None:
    folder = write('<include from="f0.xml"/>')
    for number in range(12):
        following = f'<include from="f{number + 1}.xml"/>'
        put(folder, f"f{number}.xml", f"<image>{following * 2}</image>")
    put(folder, "f12.xml", "<image/>")
    with pytest.raises(DescriptionError, match="more than 256 includes"):
        load(folder)


def test_a_long_chain_is_stopped(write: Callable[..., Path]) -> None:
    folder = write('<include from="f0.xml"/>')
    for number in range(30):
        put(folder, f"f{number}.xml", f'<image><include from="f{number + 1}.xml"/></image>')
    with pytest.raises(DescriptionError, match="16 inside each other"):
        load(folder)
