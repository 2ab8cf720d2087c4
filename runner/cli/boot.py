# SPDX-License-Identifier: Apache-2.0
"""``boot``: start an image in a virtual machine and tell whether it comes up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.byte_size import byte_size
from runner.cli.boot_gate import PASSWORD
from runner.cli.output import print_result
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.cli.options import Session

_IN = click.Path(path_type=Path, dir_okay=False, exists=True)
_OUT = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True), metavar="FILE|DIR")
@click.option("--firmware", type=click.Choice(["bios", "uefi", "secure"]), default="bios", show_default=True)
@click.option("--variables", type=_IN, help="UEFI variables to begin with, such as ones with your own keys.")
@click.option("--disk", metavar="SIZE", help="Size of the disk the machine sees, such as 8G.")
@click.option("--bus", type=click.Choice(["virtio", "sata", "scsi", "nvme"]), default="virtio", show_default=True)
@click.option("--sector-bytes", type=click.Choice(["512", "4096"]), default="512", show_default=True)
@click.option("--expect", metavar="REGEX", help="Wait for a line that matches, not for the login prompt.")
@click.option("--run", "script", type=_IN, metavar="SCRIPT", help="Log in and run this file in the image.")
@click.option("--user", default="root", show_default=True, help="Who logs in.")
@click.option("--password-file", type=_IN, help=f"First line is the password; else {PASSWORD}.")
@click.option("--timeout", "seconds", type=click.FloatRange(min=1), default=600, show_default=True, metavar="S")
@click.option("--memory", type=click.IntRange(64), default=1024, show_default=True, metavar="MIB")
@click.option("--cpus", type=click.IntRange(1, 64), metavar="N", help="Default: 2 with KVM, 1 when emulated.")
@click.option("--network", is_flag=True, help="Let the image reach the network.")
@click.option("--accel", type=click.Choice(["auto", "kvm", "tcg"]), default="auto", show_default=True)
@click.option("--log", type=_OUT, metavar="FILE", help="Write all that the console shows.")
@click.option("--screenshot", type=_OUT, metavar="FILE", help="Write the last picture of the screen as PNG.")
@click.pass_obj
def boot(session: Session, /, file: Path, **options: Any) -> None:
    """Start an image in a virtual machine and wait for its login.

    FILE is a disk in any format that qemu-img knows, or a folder of results. It is not written. The image has to
    use its first serial console.
    """
    import msgspec

    from runner.boot.model import BootTest, Login
    from runner.boot.report import report_text
    from runner.boot.test import boot as run_boot

    disk, script = options.pop("disk"), options.pop("script")
    test = BootTest(
        disk=file,
        grow_to=_size(disk) if disk else None,
        sector_bytes=int(options.pop("sector_bytes")),
        script=script.read_bytes() if script else None,
        login=Login(options.pop("user"), _password(options.pop("password_file"))),
        memory_mib=options.pop("memory"),
        accelerator=options.pop("accel"),
        **options,
    )
    try:
        report = run_boot(test)
    finally:
        session.reporter.close()
    print_result(session.style, msgspec.to_builtins(report), report_text(report))


def _size(text: str) -> int:
    try:
        return byte_size(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _password(path: Path | None) -> str:
    if path is None:
        return os.environ.get(PASSWORD, "")
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as a password file") from error
