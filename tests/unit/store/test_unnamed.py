# SPDX-License-Identifier: Apache-2.0
"""A file shows only when it is finished, on file systems of both kinds."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from runner.store.unnamed import UnnamedFile

if TYPE_CHECKING:
    from pathlib import Path

_DIES = """
import os, signal, sys
from pathlib import Path
from runner.store.unnamed import UnnamedFile
with UnnamedFile.create(Path(sys.argv[1])) as file:
    os.write(file.descriptor, b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=["unnamed", "named"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "staging"
    folder.mkdir()
    if request.param == "named":
        real = os.open

        def without(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "as NFS says")
            return real(path, flags, *more, **named)

        monkeypatch.setattr(os, "open", without)
    return folder


def test_a_finished_file_replaces_what_was_there(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    with UnnamedFile.create(folder) as file:
        os.write(file.descriptor, b"new")
        assert target.read_text() == "old"
        file.publish(target)
    assert target.read_text() == "new"
    assert target.stat().st_nlink == 1
    assert list(folder.iterdir()) == []


def test_an_unfinished_file_is_gone(folder: Path) -> None:
    with pytest.raises(KeyError), UnnamedFile.create(folder):
        raise KeyError
    assert list(folder.iterdir()) == []


def test_a_killed_writer_leaves_nothing(tmp_path: Path) -> None:
    try:
        os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        pytest.skip("this file system has no unnamed files")
    done = subprocess.run([sys.executable, "-c", _DIES, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
