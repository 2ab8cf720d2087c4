# SPDX-License-Identifier: Apache-2.0
"""``--add-repo`` and ``--set-repo``: KIWI's eleven fields, and the same by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.plan.repository_option import NAMES, POSITIONS, RepositoryOption, read_repository_option

ALL = "https://h/d,apt-deb,al,7,true,false,{file:///a;https://b},main contrib,bookworm,false,baseurl"
NAMED = (
    "source=https://h/d,type=apt-deb,alias=al,priority=7,imageinclude=true,package_gpgcheck=false,"
    "keys=file:///a;https://b,components=main contrib,distribution=bookworm,repo_gpgcheck=false,sourcetype=baseurl"
)


@pytest.mark.parametrize("text", [ALL, NAMED, ALL.replace("true", "True").replace("false", "FALSE")])
def test_all_fields_in_both_spellings(text: str) -> None:
    entry = read_repository_option("--add-repo", text).added()
    assert (entry.path, entry.kind, entry.alias, entry.priority) == ("https://h/d", "apt-deb", "al", 7)
    assert (entry.imageinclude, entry.package_gpgcheck, entry.repository_gpgcheck) == (True, False, False)
    assert [key.key for key in entry.signing] == ["file:///a", "https://b"]
    assert (entry.components, entry.distribution) == (("main", "contrib"), "bookworm")
    assert entry.sourcetype == "baseurl"


def test_what_is_left_out_is_not_said() -> None:
    expected = RepositoryOption(option="--set-repo", source="obs://a:b/c", priority=3)
    assert read_repository_option("--set-repo", "obs://a:b/c,,,3,,") == expected
    assert read_repository_option("--set-repo", "priority=3,source=obs://a:b/c") == expected


def test_a_comma_belongs_to_the_value_it_stands_in() -> None:
    option = read_repository_option(
        "--add-repo", "source=https://h/?a=1,2,architectures=amd64,arm64,imageonly=true"
    )
    assert option.source == "https://h/?a=1,2"
    assert (option.architectures, option.imageonly) == (("amd64", "arm64"), True)


def test_an_address_with_an_equals_sign_is_an_address() -> None:
    assert read_repository_option("--add-repo", "https://h/?a=b,rpm-md").source == "https://h/?a=b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--add-repo names no source"),
        (",apt-deb", "--add-repo names no source"),
        ("alias=x", "--add-repo names no source"),
        ("source=https://x,compnents=main", "no field 'compnents'; did you mean 'components'"),
        ("https://x,yum", r"--add-repo: type cannot be 'yum'[\s\S]*rpm-md"),
        ("https://x,,,high", "--add-repo: priority cannot be 'high'"),
        ("https://x,,,,maybe", "--add-repo: imageinclude cannot be 'maybe'"),
        ("https://x,,,,,,,,,,list", "--add-repo: sourcetype cannot be 'list'"),
        (ALL + ",more", r"--add-repo has 12 fields[\s\S]*semicolons"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_repository_option("--add-repo", text)


def test_a_login_in_the_address_is_not_printed() -> None:
    option = read_repository_option("--add-repo", "https://user:s3cret@h/d,rpm-md")
    assert "s3cret" not in f"{option} {option!r} {option.added()!r}"


WORD = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(source=WORD.map("https://{}/".format), alias=WORD, distribution=WORD, components=st.lists(WORD, max_size=3))
def test_both_spellings_mean_the_same(source: str, alias: str, distribution: str, components: list[str]) -> None:
    fields = {"source": source, "alias": alias, "distribution": distribution, "components": " ".join(components)}
    by_position = ",".join(fields.get(name, "") for name in POSITIONS)
    by_name = ",".join(f"{name}={value}" for name, value in fields.items())
    assert read_repository_option("--add-repo", by_position) == read_repository_option("--add-repo", by_name)


@given(st.text(st.sampled_from("a=,;{} :/true"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        option = read_repository_option("--add-repo", text)
    except UsageError:
        return
    assert option.added().path


def test_every_field_has_a_place() -> None:
    assert set(POSITIONS) < set(NAMES) < set(RepositoryOption.__struct_fields__)
