# SPDX-License-Identifier: Apache-2.0
"""An ordinary user with a range of subordinate ids builds what root builds, byte for byte."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.image_files import manifest_of, only, reproducible
from tests.support.ordinary_user import User, missing, ordinary_user
from tests.support.packhouse import Packhouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.bench import Bench

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

KINDS = ("tbz", "docker", "erofs", "squashfs", "ext4")

# The attribute is a file capability (linux/capability.h, struct vfs_cap_data, revision 2): CAP_NET_RAW, effective.
_CONFIG = r"""
for name in own set both many; do echo $name >/usr/$name; done
chown 1234:60000 /usr/own
chmod 6755 /usr/set
chown 33:65534 /usr/both; chmod 4750 /usr/both
ln /usr/many /usr/more
perl -e '($number, $file, $name) = (shift, "/usr/many", "security.capability");
  $value = pack("V5", 0x02000001, 1 << 13, 0, 0, 0);
  syscall($number, $file, $name, $value, 20, 0) == 0 or die "setxattr: $!\n";' NUMBER
"""
_SETXATTR = {"x86_64": "188", "aarch64": "5"}


@pytest.fixture
def user() -> Iterator[User]:
    with ordinary_user() as user:
        if subprocess.run([*user.become, "unshare", "--user", "--map-auto", "true"], check=False).returncode != 0:
            pytest.skip("this machine lets no ordinary user make a user namespace")
        user.make("run", "run/home", "run/tmp", "run/out")
        yield user


def test_a_user_builds_what_root_builds(bench: Bench, user: User) -> None:
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    bench.setup.script(_CONFIG.replace("NUMBER", _SETXATTR[machine]))
    root = bench.command.with_env(**bench.setup.environment)
    root.run("lock", bench.setup.description)
    description = Path(shutil.copytree(bench.setup.description, user.folder / "description"))
    run = user.folder / "run"
    theirs = Packhouse(run, run / "store", root.env, user.become)
    for kind in KINDS:
        root.run("build", bench.setup.description, "--type", kind, "--target-dir", bench.base / kind)
        theirs.run("build", description, "--type", kind, "--target-dir", run / "out" / kind)
        assert reproducible(run / "out" / kind) == reproducible(bench.base / kind), kind
        assert manifest_of(bench.base / kind)["builder"]["identity"] == "root"
        assert manifest_of(run / "out" / kind)["builder"]["identity"] == "subuid"
    assert theirs.leftovers() == []
    assert {path.stat().st_uid for path in (run / "out").rglob("*")} == {user.uid}
    check(only(run / "out" / "tbz", ".tar.xz"))


def check(archive: Path) -> None:
    """The comparison had something to compare."""
    with tarfile.open(archive) as tar:
        found = {name: tar.getmember(f"usr/{name}") for name in ("own", "set", "both", "many", "more")}
    assert (found["own"].uid, found["own"].gid) == (1234, 60000)
    assert found["set"].mode == 0o6755
    assert (found["both"].uid, found["both"].gid, found["both"].mode) == (33, 65534, 0o4750)
    assert found["more"].islnk()
    assert "SCHILY.xattr.security.capability" in found["many"].pax_headers
