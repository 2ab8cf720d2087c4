# SPDX-License-Identifier: Apache-2.0
"""Asking a real apt: places with odd names, detached signatures, priorities, logins, proxies, hostile words."""

from __future__ import annotations

import base64
import functools
import http.server
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.errors import PackhouseError, ResolveError
from runner.packages.api import ResolveContext
from runner.packages.apt import resolve
from runner.packages.credentials import Credentials, Login
from runner.packages.mirrors import Mirrors
from runner.plan.model import PackageRequest, RepositoryPlan, SigningKey
from tests.support.apt_repo import AptRepo, Signer, build_deb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.packages.api import Resolution

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    with Signer.make(tmp_path_factory.mktemp("gpg") / "home") as signer:
        yield signer


@pytest.fixture(scope="module")
def debs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("debs")
    made = [("dpkg", "1.0"), ("apt", "1.0"), ("hello", "1.0"), ("hello", "2.0")]
    essential = {"dpkg": "yes"}
    return [
        build_deb(folder, name, folder / "empty", version=version, Essential=essential.get(name, "no"))
        for name, version in made
    ]


def repo(root: Path, debs: list[Path], signer: Signer) -> Path:
    made = AptRepo(root)
    for deb in debs:
        made.add(deb)
    made.write(signer)
    (root.parent / "key.asc").write_bytes(signer.public())
    return root


def relabel(root: Path, signer: Signer, **fields: str) -> None:
    """Sign the index anew, with other words in some of its fields."""
    path = root / "dists/stable/InRelease"
    text = path.read_text().split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE", 1)[0]
    lines = [
        f"{name}: {fields.get(name, value.strip())}" if colon else name
        for name, colon, value in (line.partition(":") for line in text.strip("\n").split("\n"))
    ]
    path.write_bytes(signer.sign(("\n".join(lines) + "\n").encode()))


def plan(uri: str, alias: str = "main", **more: Any) -> RepositoryPlan:
    given = {"distribution": "stable", "keys": (SigningKey(uri="this://key.asc"),), **more}
    return RepositoryPlan(alias=alias, uri=uri, **given)


def ask(
    folder: Path, *repositories: RepositoryPlan, credentials: Credentials | None = None, **more: Any
) -> Resolution:
    lines: list[str] = []
    work = folder / "work"
    work.mkdir(exist_ok=True)
    request = PackageRequest(
        manager="apt", arch="x86_64", repositories=repositories, **{"image": ("hello",), **more}
    )
    context = ResolveContext(
        work=work,
        description=folder,
        mirrors=Mirrors(),
        sink=lines.append,
        credentials=credentials or Credentials(),
    )
    try:
        return resolve(request, context)
    finally:
        (folder / "output").write_text("\n".join(lines))


def version_of(resolution: Resolution, name: str) -> tuple[str, str]:
    return next((p.version, p.repository) for p in resolution.packages if p.name == name)


@pytest.mark.parametrize("name", ["plain", "a b,c~=@!&%+[x]{y}^#$", "ü_ñ"])
def test_no_name_of_a_folder_is_in_the_way(tmp_path: Path, debs: list[Path], signer: Signer, name: str) -> None:
    folder = tmp_path / name
    repo(folder / "repo", debs, signer)
    found = ask(folder, plan("this://repo"))
    assert version_of(found, "hello") == ("2.0", "main")
    assert found.repositories[0].keys
    assert found.repositories[0].index


def test_a_detached_signature_is_verified(tmp_path: Path, debs: list[Path], signer: Signer) -> None:
    dist = repo(tmp_path / "repo", debs, signer) / "dists/stable"
    text = (dist / "InRelease").read_text().split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE", 1)[0]
    (dist / "Release").write_text(text)
    (dist / "Release.gpg").write_bytes(signer._gpg("--detach-sign", "--armor", stdin=text.encode()))
    (dist / "InRelease").unlink()
    found = ask(tmp_path, plan("this://repo"))
    assert len(found.repositories[0].keys) == 1
    (dist / "Release").write_text(text.replace("Tests", "Other"))
    (tmp_path / "second").mkdir()
    with pytest.raises(ResolveError, match="not signed"):
        ask(
            tmp_path / "second",
            plan(f"dir://{tmp_path}/repo", keys=(SigningKey(uri=f"file://{tmp_path}/key.asc"),)),
        )


def test_two_repositories_on_one_host_have_their_own_priorities(
    tmp_path: Path, debs: list[Path], signer: Signer
) -> None:
    repo(tmp_path / "old", debs[:3], signer)
    new = repo(tmp_path / "new", debs[3:], signer)
    sources = (plan("this://old", "old", priority=900), plan("this://new", "new", priority=100))
    with pytest.raises(ResolveError, match="cannot tell them apart"):
        ask(tmp_path, *sources)
    relabel(new, signer, Label="Newer")
    (tmp_path / "work").rename(tmp_path / "work-before")
    assert version_of(ask(tmp_path, *sources), "hello") == ("1.0", "old")


@pytest.mark.parametrize(
    "wrong",
    [
        {"distribution": "stable\nTrusted: yes"},
        {"distribution": "stable main [trusted=yes]"},
        {"components": ("main\nSigned-By: /x",)},
        {"architectures": ("amd64 i386",)},
        {"alias": "../../x"},
        {"alias": "a b"},
        {"uri": "http://a/ http://b/"},
        {"uri": 'http://a/"'},
        {"uri": "http://[half"},
        {"uri": "this://../outside"},
        {"keys": (SigningKey(uri="https://example.org/key"),)},
        {"keys": (SigningKey(uri="this://../key.asc"),)},
        {"keys": (SigningKey(uri="file:///etc/passwd"),)},
        {"keys": (SigningKey(uri="http://[half"),)},
    ],
)
def test_words_that_would_be_more_than_words_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "key.asc").write_text("outside")
    with pytest.raises(ResolveError):
        ask(tmp_path / "here", msgspec.structs.replace(plan("this://repo"), **wrong))


@pytest.mark.parametrize("name", ["/etc/x.deb", "./x", "-o=Dir::Etc=/etc", "x.deb", "a b", "a\nb"])
def test_names_that_are_files_or_options_are_refused(
    tmp_path: Path, debs: list[Path], signer: Signer, name: str
) -> None:
    repo(tmp_path / "repo", debs, signer)
    with pytest.raises(ResolveError, match="cannot be the name"):
        ask(tmp_path, plan("this://repo"), image=(name,))


def test_an_ignored_name_cannot_be_a_pin(tmp_path: Path, debs: list[Path], signer: Signer) -> None:
    repo(tmp_path / "repo", debs, signer)
    with pytest.raises(ResolveError, match="ignore"):
        ask(tmp_path, plan("this://repo"), ignore=("x\nPin: release *\nPin-Priority: 1000\n",))


@pytest.mark.parametrize("field", ["Filename", "Size", "SHA256"])
def test_an_index_of_nonsense_is_one_error(tmp_path: Path, debs: list[Path], signer: Signer, field: str) -> None:
    made = AptRepo(tmp_path / "repo")
    for deb in debs:
        made.add(deb)
    made.write(signer)
    index = next((tmp_path / "repo").rglob("Packages"))
    values = {"Filename": "../../etc/passwd", "Size": "many", "SHA256": "x"}
    text = "\n".join(
        f"{field}: {values[field]}" if line.startswith(f"{field}:") else line
        for line in index.read_text().split("\n")
    )
    index.write_text(text)
    (tmp_path / "key.asc").write_bytes(signer.public())
    release = tmp_path / "repo/dists/stable/InRelease"
    import hashlib

    lines = release.read_text().split("\n\n", 1)[1].split("-----BEGIN PGP SIGNATURE", 1)[0].strip("\n").split("\n")
    name = lines[-1].split()[2]
    lines[-1] = f" {hashlib.sha256(text.encode()).hexdigest()} {len(text.encode())} {name}"
    release.write_bytes(signer.sign(("\n".join(lines) + "\n").encode()))
    with pytest.raises(PackhouseError):
        ask(tmp_path, plan("this://repo"))


class Guarded(http.server.SimpleHTTPRequestHandler):
    """Serves files to those who know the login, and remembers what proxies are asked."""

    wanted = "Basic " + base64.b64encode(b"user:canary").decode()

    def do_GET(self) -> None:
        if "://" in self.path:
            self.server.proxied.append(self.path)  # type: ignore[attr-defined]
            self.path = "/" + self.path.split("/", 3)[3]
        elif self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def guarded(root: Path) -> Iterator[tuple[str, list[str]]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Guarded, directory=str(root)))
    server.daemon_threads = True
    server.proxied = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.proxied  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("where", ["environment", "description", "address"])
def test_a_login_opens_a_repository_and_shows_nowhere(
    tmp_path: Path, debs: list[Path], signer: Signer, where: str
) -> None:
    repo(tmp_path / "repo", debs, signer)
    env = {"PACKHOUSE_REPOSITORY_MAIN_USERNAME": "user", "PACKHOUSE_REPOSITORY_MAIN_PASSWORD": "canary"}
    with guarded(tmp_path) as (url, _):
        written = {("main", f"{url}/repo"): Login("user", "canary")} if where == "description" else {}
        uri = url.replace("://", "://user:canary@") if where == "address" else url
        credentials = Credentials(env if where == "environment" else {}, written)
        found = ask(tmp_path, plan(f"{uri}/repo"), credentials=credentials)
        assert found.repositories[0].uri == f"{url}/repo"
    assert b"canary" not in msgspec.json.encode(found) + (tmp_path / "output").read_bytes()
    holders = subprocess.run(
        ["grep", "-rl", "canary", tmp_path / "work"], capture_output=True, check=False, text=True
    )
    assert holders.stdout.split() == [str(tmp_path / "work/apt/etc/netrc")]
    assert (tmp_path / "work/apt/etc/netrc").stat().st_mode & 0o777 == 0o600


def test_apt_goes_through_the_proxy_but_for_exempt_hosts(tmp_path: Path, debs: list[Path], signer: Signer) -> None:
    repo(tmp_path / "repo", debs, signer)
    with guarded(tmp_path) as (url, proxied):
        env = {"http_proxy": url.replace("://", "://me:canary@")}
        ask(tmp_path, plan("http://repository.invalid/repo"), credentials=Credentials(env))
        assert any(path.endswith("InRelease") for path in proxied)
        assert (tmp_path / "work/apt/apt.conf").stat().st_mode & 0o777 == 0o600
        assert "canary" not in (tmp_path / "output").read_text()
        proxied.clear()
        (tmp_path / "work").rename(tmp_path / "work-before")
        login = {"PACKHOUSE_REPOSITORY_MAIN_USERNAME": "user", "PACKHOUSE_REPOSITORY_MAIN_PASSWORD": "canary"}
        ask(tmp_path, plan(f"{url}/repo"), credentials=Credentials({**env, **login, "no_proxy": "127.0.0.1"}))
    assert proxied == []
