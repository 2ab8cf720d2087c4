# SPDX-License-Identifier: Apache-2.0
"""Package files are input: a damaged one is one error that names it, never anything else."""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import tarfile
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import BuildError
from runner.packages.apt.deb import build_time, read_deb
from runner.packages.apt.unpacked import unpack_all

BUILT = 1_700_000_000
PACKERS = {
    "": lambda data: data,
    "gz": gzip.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def tar(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def package(kind: str = "xz", *, control: bytes = b"Package: x\nVersion: 1\n", built: str = str(BUILT)) -> bytes:
    pack = PACKERS[kind]
    ending = f".{kind}" if kind else ""
    parts = {
        "debian-binary": b"2.0\n",
        f"control.tar{ending}": pack(tar("./control", control)),
        f"data.tar{ending}": pack(tar("./usr/bin/x", b"binary" * 1000)),
    }
    body = b"!<arch>\n"
    for name, data in parts.items():
        body += f"{name:<16}{built:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        body += data + b"\n" * (len(data) % 2)
    return body


@pytest.mark.parametrize("kind", PACKERS)
def test_every_compression_is_read_and_unpacked(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(package(kind))
    deb = read_deb(path)
    assert (deb.field("Package"), deb.built) == ("x", BUILT)
    twin = read_deb(unpack_all([deb], tmp_path / "twins")[path])
    data = twin.path.read_bytes()[twin.data_offset : twin.data_offset + twin.data_size]
    assert data == tar("./usr/bin/x", b"binary" * 1000)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"!<arch>\n",
        b"not an archive at all, but long enough to hold a header and more, as a captive portal has",
        package()[:200],
        package()[:-40],
        package().replace(b"1700000000", "17\u0660\u0660000".encode(), 1),
        package(built="-5"),
        package(built="soon"),
        package().replace(b"control.tar", b"nothing.tar"),
        package("gz").replace(b"control.tar.gz", b"control.tar.bz"),
    ],
    ids=range(10),  # the bytes hold the time, and every worker has to give a case the same name
)
def test_a_damaged_package_is_an_error_that_names_it(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(damaged)
    with pytest.raises(BuildError, match="libx 1"):
        read_deb(path, name="libx 1")


def test_a_control_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.deb"
    path.write_bytes(package(control=b"Package: x\nDescription: " + b"0" * (70 << 20)))
    with pytest.raises(BuildError, match="not a well-formed") as caught:
        read_deb(path)
    assert "unpacks to more than" in str(caught.value)


def test_a_cut_payload_is_no_shorter_package(tmp_path: Path) -> None:
    whole = package("xz")
    path = tmp_path / "x.deb"
    path.write_bytes(whole)
    deb = read_deb(path)
    cut = lzma.compress(tar("./usr/bin/x", b"binary" * 1000))[:-30]
    header = f"{'data.tar.xz':<16}{BUILT:<12}{0:<6}{0:<6}{'100644':<8}{len(cut):<10}`\n".encode()
    path.write_bytes(whole[: deb.data_offset - 60] + header + cut)
    with pytest.raises(BuildError, match="not a well-formed"):
        unpack_all([read_deb(path)], tmp_path / "twins")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PACKERS)), st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 10_000))
def test_no_wrong_byte_and_no_cut_is_an_internal_error(kind: str, place: int, byte: int, end: int) -> None:
    data = bytearray(package(kind))
    data[place % len(data)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.deb"
        path.write_bytes(data[: len(data) - end % 64])
        with contextlib.suppress(BuildError):
            build_time(path)
            unpack_all([read_deb(path)], Path(folder) / "twins")
