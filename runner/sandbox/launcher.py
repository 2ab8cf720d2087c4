# SPDX-License-Identifier: Apache-2.0
"""Start one program in a tree: the small program behind the ``unshare`` and ``chroot`` sandboxes.

It is imported by an interpreter without site packages (see :mod:`runner.sandbox.launch`), reads its :class:`Spec`
from a descriptor, and needs next to nothing of the standard library, because it must start fast: json, typing,
signal and contextlib alone would double its 15 ms. All modules are imported before the root directory changes,
because afterwards the interpreter's own files are out of sight.

It stays as parent of the program: in a process namespace as its first process, which reaps orphans and whose end
is the end of all; without one as "child subreaper", which ends what the program left running.

Exit status: that of the program, 128 + N after signal N, 125 when the sandbox could not be set up, 126 and 127
when the program could not be run or found, as a shell has it.

Source: mount(2), pivot_root(2), prctl(2), capabilities(7), seccomp(2), ``linux/mount.h``.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import sys

_MS_RDONLY = 0x1
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_NOEXEC = 0x8
_MS_REMOUNT = 0x20
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MNT_DETACH = 2
_MOUNT_ATTR_RDONLY = 0x1
_MOUNT_ATTR_NOSUID = 0x2
_MOUNT_ATTR_NODEV = 0x4
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_NR_MOUNT_SETATTR = 442  # has this number on every architecture but Alpha

_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25
_CLONE_NEWCGROUP = 0x02000000

_SETUP_FAILED, _CANNOT_RUN, _NOT_FOUND, _SIGNALLED = 125, 126, 127, 128

_LIBC = ctypes.CDLL(None, use_errno=True)
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}


class Spec:
    """What to start and how.

    Attributes:
        isolate: we are the first process in namespaces of our own and may mount; else only change the root.
        binds: source on the machine, target in the tree, whether writable.
        devices: names in ``/dev`` that the program gets.
        memory_files: bytes that ``/dev`` may hold, and as many ``/dev/shm``.
        read_only: names in ``/proc`` that it may not write.
        capabilities: numbers of those it keeps.
        program: the seccomp filter, an array of ``struct sock_filter``.
    """

    def __init__(
        self,
        *,
        root: str,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        isolate: bool,
        hostname: str,
        umask: int,
        binds: list[tuple[str, str, bool]],
        devices: list[str],
        memory_files: int,
        read_only: list[str],
        capabilities: list[int],
        program: bytes,
    ) -> None:
        self.root = root
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.isolate = isolate
        self.hostname = hostname
        self.umask = umask
        self.binds = binds
        self.devices = devices
        self.memory_files = memory_files
        self.read_only = read_only
        self.capabilities = capabilities
        self.program = program

    def dump(self) -> bytes:
        """Return the form that :func:`main` reads; both ends are the same interpreter."""
        return marshal.dumps(vars(self))


class _MountAttr(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd"))


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> int:
    """Run the program of the spec on the descriptor named by the last argument; return the exit status."""
    try:
        return _run(int(sys.argv[-1]))
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}")
        return _SETUP_FAILED


def _run(descriptor: int) -> int:
    with open(descriptor, "rb") as stream:  # a descriptor has no path
        spec = Spec(**marshal.load(stream))  # noqa: S302  # made by our parent, see Spec.dump
    os.umask(spec.umask)
    if spec.isolate:
        _LIBC.unshare(_CLONE_NEWCGROUP)  # hides the name of our group; not every kernel has it
        _mount_all(spec)
        if spec.root != "/":
            _pivot(spec.root)
        _set_hostname(spec.hostname)
    else:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    pid = os.fork()
    if pid == 0:
        _child(spec)
    if spec.isolate:
        _confine(spec)  # the program sees this process and may not find more rights there
    return _reap(pid, end_rest=not spec.isolate)


def _child(spec: Spec) -> None:
    status = _SETUP_FAILED
    try:
        if not spec.isolate:
            os.chroot(spec.root)
        os.chdir(spec.cwd)
        _confine(spec)
        status = _exec(spec)
    except OSError as error:
        _say(f"{error.strerror}: {error.filename or spec.argv[0]}")
    finally:
        os._exit(status)


def _exec(spec: Spec) -> int:
    """Become the program; returns only when that is impossible."""
    for number in (_SIGPIPE, _SIGXFSZ):  # the interpreter ignores these, a program expects the default
        _LIBC.signal(number, None)
    name = spec.argv[0]
    folders = [""] if "/" in name else spec.env.get("PATH", "").split(":")
    status, reason = _NOT_FOUND, "not found"
    for folder in folders:
        path = f"{folder}/{name}" if folder else name
        try:
            os.execve(path, spec.argv, spec.env)  # noqa: S606  # that is what we are for
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            status, reason = _CANNOT_RUN, str(error.strerror)
    _say(f"{name}: {reason}")
    return status


def _reap(program: int, *, end_rest: bool) -> int:
    """Wait for the program, reap every orphan meanwhile, and return its exit status."""
    while True:
        pid, status = os.wait()
        if pid == program:
            break
    if end_rest:
        _end_descendants()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNALLED - code


def _end_descendants() -> None:
    """Kill children until there is none; those of a killed child become ours."""
    try:
        while True:
            with open(f"/proc/self/task/{os.getpid()}/children", "rb") as stream:  # noqa: PTH123
                children = [int(pid) for pid in stream.read().split()]
            for pid in children:
                os.kill(pid, _SIGKILL)
            os.wait()
    except ChildProcessError:
        return


def _mount_all(spec: Spec) -> None:
    """Lay the sandbox's world over the tree, in a mount namespace that nobody else sees."""
    root = spec.root
    if root != "/":  # else it is a probe on the machine's own root, which cannot be mounted on itself
        _mount(root, root, flags=_MS_BIND | _MS_REC)
        _set_attributes(root, _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOSUID)
    _mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    for name in spec.read_only:
        path = f"{root}/proc/{name}"
        if os.path.exists(path):  # noqa: PTH110
            _mount(path, path, flags=_MS_BIND | _MS_REC)
            _set_attributes(path, _MOUNT_ATTR_RDONLY)
    _mount_dev(f"{root}/dev", spec.devices, f"size={spec.memory_files}")
    for source, target, writable in spec.binds:
        _mount(source, root + target, flags=_MS_BIND | _MS_REC)
        limits = _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOSUID
        _set_attributes(root + target, limits if writable else limits | _MOUNT_ATTR_RDONLY)


def _mount_dev(dev: str, devices: list[str], size: str) -> None:
    _mount("tmpfs", dev, "tmpfs", _MS_NOSUID, f"mode=0755,{size}")
    for name in devices:
        os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_EXCL))
        _mount(f"/dev/{name}", f"{dev}/{name}", flags=_MS_BIND)
    for name, target in _LINKS.items():
        os.symlink(target, f"{dev}/{name}")  # noqa: PTH211
    for name in ("pts", "shm"):
        os.mkdir(f"{dev}/{name}")  # noqa: PTH102
    _mount("devpts", f"{dev}/pts", "devpts", _MS_NOSUID | _MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    _mount("tmpfs", f"{dev}/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777,{size}")


def _pivot(root: str) -> None:
    """Make ``root`` the root directory and let go of the old one (pivot_root(2), "pivot_root(., .)")."""
    os.chdir(root)
    _check(_LIBC.pivot_root(b".", b"."), root)
    _check(_LIBC.umount2(b".", _MNT_DETACH), root)
    os.chdir("/")


def _confine(spec: Spec) -> None:
    """Give up groups and all capabilities but those named, for good, and install the filter."""
    _LIBC.setgroups(0, None)  # a user namespace may have this switched off
    _keep_capabilities(set(spec.capabilities))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    program = _FilterProgram(len(spec.program) // 8, spec.program)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _keep_capabilities(keep: set[int]) -> None:
    """Drop all others from every set; of those to keep, a container may have left us only some."""
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for number in range(64):
        if number not in keep and _LIBC.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1:
            _prctl(_PR_CAPBSET_DROP, number)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # twice effective, permitted, inheritable; the low halves first
    _check(_LIBC.capget(header, sets), "capget")
    mask = sum(1 << number for number in keep)
    low, high = sets[1] & mask, sets[4] & mask >> 32
    _check(_LIBC.capset(header, (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)), "capset")


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    arguments = [os.fsencode(text) or None for text in (source, target, kind)]
    _check(_LIBC.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None), target)


def _set_attributes(target: str, attributes: int) -> None:
    """Add attributes to a mount and all below it; before Linux 5.12 to itself alone."""
    wanted = _MountAttr(attributes, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    number = ctypes.c_long(_NR_MOUNT_SETATTR)
    if _LIBC.syscall(number, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, ctypes.byref(wanted), size) == 0:
        return
    # The three attributes have the same numbers as the old flags. Flags of the source stay: they may be locked.
    kept = os.statvfs(target).f_flag & (_MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("none", target, flags=_MS_REMOUNT | _MS_BIND | kept | attributes)


def _set_hostname(name: str) -> None:
    _check(_LIBC.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def _prctl(*arguments: int) -> None:
    padded = (*arguments, 0, 0, 0, 0)[:5]
    _check(_LIBC.prctl(padded[0], *(ctypes.c_ulong(value) for value in padded[1:])), f"prctl {arguments[0]}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _say(text: str) -> None:
    os.write(2, f"sandbox: {text}\n".encode())
