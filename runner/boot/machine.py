# SPDX-License-Identifier: Apache-2.0
"""The virtual machine: QEMU's command line, and the wires to it."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from runner.errors import HostError, PackhouseError
from runner.process import TAIL_LINES, Limits, background, run, tool_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO

    from runner.boot.firmware import Uefi
    from runner.boot.model import Accelerator, BootTest

PROGRAM = "qemu-system-x86_64"
_CHUNK = 65536
_PROBE = (
    *("-no-user-config", "-nodefaults", "-machine", "q35", "-accel", "kvm", "-cpu", "host"),
    *("-S", "-display", "none", "-monitor", "stdio"),
)
_PROBE_SECONDS = 10
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""setpriv(1): even when we are killed with no chance to clean up, the machine ends."""

_DISK_DEVICES = {
    "virtio": ("virtio-blk-pci",),
    "sata": ("ide-hd",),
    "scsi": ("virtio-scsi-pci", "scsi-hd"),
    "nvme": ("nvme,serial=packhouse",),
}
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
"""An image may be hostile: seccomp takes from QEMU what it does not need."""


def accelerator(asked: Accelerator) -> Literal["kvm", "tcg"]:
    """Return what the machine runs with: ``kvm`` if a machine can be made with it.

    It is tried: a processor may be there for the user and still not be one that QEMU can set up.

    Raises:
        HostError: KVM was asked for and does not work.
    """
    if asked == "tcg":
        return "tcg"
    try:
        run((PROGRAM, *_PROBE), stdin=b"quit\n", limits=Limits(seconds=_PROBE_SECONDS), what="QEMU with KVM")
    except PackhouseError as error:
        if asked == "kvm":
            raise HostError(
                "KVM cannot be used",
                why=error.log_tail[-1] if error.log_tail else error.what,
                hint="leave --accel away to do without",
            ) from error
        return "tcg"
    return "kvm"


def processors(accel: str) -> int:
    """Return how many processors a machine gets that nobody said a number for.

    Emulated ones run on a thread each, and a kernel that patches its own code while another processor runs it, as
    Linux does in its first seconds, panics now and then. One emulated processor starts an image as fast.
    """
    return 2 if accel == "kvm" else 1


def require_qemu() -> None:
    """Check that there is a machine to start.

    Raises:
        HostError: QEMU is not installed.
    """
    if shutil.which(PROGRAM, path=tool_environment()["PATH"]) is None:
        raise HostError(f"the program {PROGRAM} is not installed", hint="run: packhouse doctor")


@dataclass(frozen=True, slots=True)
class Wiring:
    """Numbers of our ends' other ends, which QEMU inherits."""

    serial: int
    debug: int
    monitor: int


def command_line(test: BootTest, *, overlay: Path, uefi: Uefi | None, accel: str, wiring: Wiring) -> list[str]:
    """Return QEMU's arguments. ``uefi.variables`` is written by the machine."""
    smm = "on" if uefi and uefi.needs_smm else "off"
    processor = "host" if accel == "kvm" else "max"
    disk_options = f"drive=disk,bootindex=0,logical_block_size={test.sector_bytes}"
    *buses, device = _DISK_DEVICES[test.bus]
    return [
        *(PROGRAM, "-no-user-config", "-nodefaults", "-sandbox", _SANDBOX, "-name", "packhouse"),
        *("-machine", f"q35,smm={smm}", "-accel", accel, "-cpu", processor),
        *("-m", str(test.memory_mib), "-smp", str(test.cpus or processors(accel)), "-rtc", "base=utc"),
        *("-display", "none", "-vga", "std"),
        *_channel("serial", wiring.serial, "-serial", "chardev:serial"),
        *_channel("debug", wiring.debug, "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
        *_channel("monitor", wiring.monitor, "-mon", "chardev=monitor,mode=control"),
        *(_flash(uefi) if uefi else ()),
        *("-drive", f"if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap,file={_quoted(overlay)}"),
        *(part for bus in buses for part in ("-device", bus)),
        *("-device", f"{device},{disk_options}"),
        *("-netdev", f"user,id=net,restrict={'off' if test.network else 'on'}"),
        *("-device", "virtio-net-pci,netdev=net,romfile="),
        *("-object", "rng-builtin,id=rng", "-device", "virtio-rng-pci,rng=rng"),
    ]


def _channel(name: str, number: int, *use: str) -> tuple[str, ...]:
    return ("-chardev", f"socket,id={name},fd={number}", *use)


def _flash(uefi: Uefi) -> tuple[str, ...]:
    guard = ("-global", "driver=cfi.pflash01,property=secure,value=on") if uefi.needs_smm else ()
    code = f"if=pflash,unit=0,format=raw,readonly=on,file={_quoted(uefi.code)}"
    variables = f"if=pflash,unit=1,format=raw,file={_quoted(uefi.variables)}"
    return (*guard, "-drive", code, "-drive", variables)


def _quoted(path: Path) -> str:
    return str(path).replace(",", ",,")


@dataclass(slots=True)
class RunningMachine:
    """Our ends of the wires. It is the :class:`runner.boot.console.Port` of the machine's serial console.

    ``on_debug`` gets the lines that the BIOS writes to its debug port. ``said`` is what QEMU itself wrote last.
    """

    serial: socket.socket
    debug: socket.socket
    monitor: socket.socket
    output: IO[bytes]
    on_debug: Callable[[str], None] = lambda _line: None
    said: deque[bytes] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _debug_rest: bytes = b""

    def read(self, seconds: float) -> bytes | None:
        """See :meth:`runner.boot.console.Port.read`; the other wires are read besides."""
        with selectors.DefaultSelector() as selector:
            for wire in (self.serial, self.debug, self.output):
                selector.register(wire, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(seconds)}
        if self.output in ready:
            self.said.extend(os.read(self.output.fileno(), _CHUNK).splitlines())
        if self.debug in ready:
            self._read_debug()
        return _receive(self.serial) if self.serial in ready else None

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # reading will tell that it ended
            self.serial.sendall(data)

    def last_words(self) -> tuple[str, ...]:
        """What QEMU itself said; without waiting, for it may still run."""
        os.set_blocking(self.output.fileno(), False)
        self.said.extend((self.output.read() or b"").splitlines())
        return tuple(line.decode("utf-8", "replace") for line in self.said)

    def _read_debug(self) -> None:
        *lines, rest = (self._debug_rest + _receive(self.debug)).split(b"\n")
        self._debug_rest = rest[-_CHUNK:]
        for line in lines:
            self.on_debug(line.decode("utf-8", "replace").rstrip("\r"))


def _receive(wire: socket.socket) -> bytes:
    try:
        return wire.recv(_CHUNK)
    except ConnectionResetError:
        return b""


@contextlib.contextmanager
def run_machine(test: BootTest, *, overlay: Path, uefi: Uefi | None, accel: str) -> Iterator[RunningMachine]:
    """Switch the machine on for as long as the block lasts.

    Raises:
        HostError: QEMU is not installed.
    """
    require_qemu()
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(3)]
        for end in (end for pair in pairs for end in pair):
            stack.callback(end.close)
        ours, theirs = zip(*pairs, strict=True)
        numbers = [end.fileno() for end in theirs]
        argv = command_line(test, overlay=overlay, uefi=uefi, accel=accel, wiring=Wiring(*numbers))
        child = stack.enter_context(background([*_DIES_WITH_US, *argv], pass_fds=numbers))
        for end in theirs:
            end.close()  # so that we hear when the machine ends
        if child.stdout is None:
            raise AssertionError("a background program has its output piped")
        serial, debug, monitor = ours
        yield RunningMachine(serial, debug, monitor, child.stdout)
