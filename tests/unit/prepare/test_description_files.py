# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import DescriptionError
from runner.prepare import description_files

if TYPE_CHECKING:
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench


def inputs(
    origin: Origin, *, names: tuple[str, ...] = (), renamed: tuple[tuple[str, str], ...] = ()
) -> description_files.Inputs:
    return description_files.Inputs(origin, b"<image/>", b"{}", b"[]", names, renamed)


def test_everything_the_scripts_need_is_there(origin: Origin, bench: Bench) -> None:
    (origin.directory / "config.sh").write_text("#!/bin/sh\n")
    (origin.directory / "config.sh").chmod(0o700)
    (origin.directory / "images.sh").write_text("true\n")
    (origin.directory / "extra").mkdir()
    (origin.directory / "extra/data.tar").write_bytes(b"tar")
    (origin.directory / "my-edit.sh").write_text("true\n")
    description_files.run(
        inputs(origin, names=("extra/data.tar",), renamed=(("my-edit.sh", "edit_boot_config.sh"),)), bench
    )
    image = bench.root / "image"
    assert sorted(path.relative_to(image).as_posix() for path in image.rglob("*") if path.is_file()) == [
        "config.sh",
        "config.xml",
        "edit_boot_config.sh",
        "extra/data.tar",
        "images.sh",
        "lock.json",
        "plan.json",
    ]
    assert (image / "config.sh").stat().st_mode & 0o777 == 0o755
    assert (image / "images.sh").stat().st_mode & 0o777 == 0o644
    assert "baseSetRunlevel" in (bench.root / ".kconfig").read_text()


def test_an_older_copy_is_replaced_whole(origin: Origin, bench: Bench) -> None:
    (bench.root / "image").mkdir()
    (bench.root / "image/config.sh").write_text("stale")
    description_files.run(inputs(origin), bench)
    assert not (bench.root / "image/config.sh").exists()


@pytest.mark.parametrize("name", ["/etc/hostname", "../../../../../../etc/hostname"])
def test_files_of_the_host_are_out_of_reach(origin: Origin, bench: Bench, name: str) -> None:
    with pytest.raises(DescriptionError):
        description_files.run(inputs(origin, names=(name,)), bench)


def test_a_link_to_the_host_is_refused(origin: Origin, bench: Bench) -> None:
    (origin.directory / "config.sh").symlink_to("/etc/hostname")
    with pytest.raises(DescriptionError, match="outside of the repository"):
        description_files.run(inputs(origin), bench)


def test_a_link_inside_the_checkout_is_followed(origin: Origin, bench: Bench) -> None:
    (origin.boundary / "shared.sh").write_text("shared")
    (origin.directory / "config.sh").symlink_to("../shared.sh")
    description_files.run(inputs(origin), bench)
    assert (bench.root / "image/config.sh").read_text() == "shared"
    assert not (bench.root / "image/config.sh").is_symlink()


def test_a_missing_file_is_named(origin: Origin, bench: Bench) -> None:
    with pytest.raises(DescriptionError, match=r"data\.tar is missing"):
        description_files.run(inputs(origin, names=("data.tar",)), bench)
