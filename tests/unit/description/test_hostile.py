# SPDX-License-Identifier: Apache-2.0
"""Descriptions are hostile input: each attack is one clear error, soon."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.description import load
from runner.description.formats import MAX_BYTES, parse
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 3.0
"""Of processor time: far above what a refusal takes, far below what an attack would."""

BOMB = (
    b"""<?xml version="1.0"?>
<!DOCTYPE image [<!ENTITY a "aaaaaaaaaa">"""
    + b"".join(b'<!ENTITY %c "%s">' % (ord("a") + n, (b"&%c;" % (ord("a") + n - 1)) * 10) for n in range(1, 12))
    + b"]><image>&l;</image>"
)

ATTACKS = {
    "entity bomb": (BOMB, "DOCTYPE|well-formed"),
    "external entity": (b'<!DOCTYPE i [<!ENTITY x SYSTEM "file:///etc/passwd">]><image>&x;</image>', "DOCTYPE"),
    "doctype": (b"<!DOCTYPE image><image/>", "DOCTYPE"),
    "doctype from the network": (b'<!DOCTYPE image SYSTEM "http://127.0.0.1:9/x.dtd"><image/>', "DOCTYPE"),
    "unknown entity": (b"<image>&nothing;</image>", "well-formed"),
    "deep nesting": (b"<a>" * 1_000_000, "elements"),
    "deep nesting, fewer": (b"<a>" * 100_000, "well-formed"),
    "deep but closed": (b"<image>" + b"<a>" * 200 + b"</a>" * 200 + b"</image>", "deeper"),
    "many elements": (b"<image>" + b"<a/>" * 300_000 + b"</image>", "elements"),
    "huge attribute": (b'<image name="' + b"x" * 11_000_000 + b'"/>', "larger than"),
    "large file": (b"<image>" + b" " * MAX_BYTES + b"</image>", "larger than"),
    "NUL": (b"<image>\n\n<a\0/></image>", r"U\+0000"),
    "control character": (b"<image>\x1b[31m</image>", r"U\+001B"),
    "not UTF-8": (b"<image>\n\xff\xfe\xfd</image>", "valid UTF-8"),
    "encoding that does not exist": (b'<?xml version="1.0" encoding="klingon"?><image/>', "unknown character"),
    "encoding that is no encoding": (b'<?xml version="1.0" encoding="zlib"?><image/>', "unknown character|valid"),
    "empty": (b"", "empty"),
    "white space": (b" \n\t ", "empty"),
    "not XML": (b"\x7fELF\x02\x01", "not a description"),
    "cut off": (b"<image><preferences>", "well-formed"),
    "attribute twice": (b'<image name="a" name="b"/>', "well-formed"),
    "two roots": (b"<image/><image/>", "well-formed"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_one_clear_error_soon(tmp_path: Path, name: str) -> None:
    data, message = ATTACKS[name]
    (tmp_path / "config.xml").write_bytes(data)
    start = time.process_time()
    with pytest.raises(DescriptionError, match=message) as caught:
        load(tmp_path)
    assert time.process_time() - start < SECONDS
    assert str(caught.value).startswith("config.xml")
    assert "root:" not in str(caught.value)


def test_a_type_with_every_attribute_there_is_takes_no_time(tmp_path: Path) -> None:
    """libxml2's own validator needs minutes for eighteen optional attributes."""
    from runner.description.schema.grammar import grammar

    rule = grammar().children["preferences"].element.children["type"].element
    attributes = " ".join(f'{name}="1"' for name in rule.attributes)
    body = f'<image schemaversion="8.5" name="x"><preferences><type {attributes}/></preferences></image>'
    (tmp_path / "config.xml").write_text(body)
    start = time.process_time()
    with pytest.raises(DescriptionError):
        load(tmp_path)
    assert time.process_time() - start < SECONDS


def test_xinclude_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("do not read me")
    (tmp_path / "config.xml").write_text(
        '<image schemaversion="8.5" name="x" xmlns:xi="http://www.w3.org/2001/XInclude">'
        '<xi:include href="secret" parse="text"/></image>'
    )
    with pytest.raises(DescriptionError) as caught:
        load(tmp_path)
    assert "do not read me" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_honest_encodings_are_read(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<image>Größe</image>'
    assert parse(text.encode(encoding), "x.kiwi").text == "Größe"


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet="<>/=\"' &;image![]-?xnt\n", max_size=120).map(str.encode))
)
def test_any_bytes_are_a_tree_or_a_description_error(data: bytes) -> None:
    with contextlib.suppress(DescriptionError):
        parse(data, "x.kiwi")
