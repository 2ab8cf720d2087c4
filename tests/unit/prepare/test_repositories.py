# SPDX-License-Identifier: Apache-2.0
"""Repositories that stay configured in the image depend on the description alone, and reach nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import DescriptionError, PackhouseError, ResolveError
from runner.plan.model import RepositoryPlan, SigningKey
from runner.prepare import repositories

if TYPE_CHECKING:
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench

KEY = b"\x98\x33\x04 a public key packet"


def run(bench: Bench, origin: Origin, **more: Any) -> None:
    given = {"alias": "main", "uri": "https://example.org/debian", "distribution": "stable", "image": True, **more}
    repositories.run(repositories.Inputs(origin, (RepositoryPlan(**given),)), bench)


def written(bench: Bench, name: str = "main") -> str:
    return (bench.root / f"etc/apt/sources.list.d/{name}.sources").read_text()


def test_a_repository_of_the_image_has_stanza_key_and_pin(bench: Bench, origin: Origin) -> None:
    (origin.directory / "key.gpg").write_bytes(KEY)
    run(bench, origin, components=("main", "contrib"), priority=600, keys=(SigningKey(uri="this://key.gpg"),))
    assert written(bench) == (
        "Types: deb\nURIs: https://example.org/debian\nSuites: stable\nComponents: main contrib\n"
        "Signed-By: /etc/apt/keyrings/main.gpg\n"
    )
    assert (bench.root / "etc/apt/keyrings/main.gpg").read_bytes() == KEY
    pin = (bench.root / "etc/apt/preferences.d/main.pref").read_text()
    assert pin == 'Package: *\nPin: origin "example.org"\nPin-Priority: 600\n'


def test_a_repository_of_the_build_alone_stays_out(bench: Bench, origin: Origin) -> None:
    run(bench, origin, image=False)
    assert not (bench.root / "etc/apt").exists()


def test_a_symbolic_mirror_is_the_public_one_and_a_login_stays_out(bench: Bench, origin: Origin) -> None:
    run(bench, origin, uri="mirror://debian")
    assert "URIs: https://mirrors.kernel.org/debian\n" in written(bench)
    run(bench, origin, uri="https://u:canary@example.org/x")
    assert "canary" not in written(bench)


def test_the_distribution_s_own_keyring_is_named_when_the_image_has_it(bench: Bench, origin: Origin) -> None:
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    run(bench, origin)
    assert "Signed-By" not in written(bench)
    with pytest.raises(DescriptionError, match="not in the image"):
        run(bench, origin, keys=(SigningKey(uri=f"file://{keyring}"),))
    bench.paths.write(keyring, KEY)
    run(bench, origin)
    assert f"Signed-By: {keyring}\n" in written(bench)
    run(bench, origin, keys=(SigningKey(uri=f"file://{keyring}"),))
    assert f"Signed-By: {keyring}\n" in written(bench)


@pytest.mark.parametrize("uri", ["dir:///srv/x", "this://repo", "mirror://mine", "obs://A/B", "/srv"])
def test_addresses_that_others_cannot_reach_are_refused(bench: Bench, origin: Origin, uri: str) -> None:
    with pytest.raises(DescriptionError, match="cannot be left in the image"):
        run(bench, origin, uri=uri)


@pytest.mark.parametrize(
    "wrong", [{"distribution": "x\nTrusted: yes"}, {"alias": "a b"}, {"components": ("a\nb",)}]
)
def test_words_that_would_be_more_are_refused(bench: Bench, origin: Origin, wrong: dict[str, Any]) -> None:
    with pytest.raises(ResolveError):
        run(bench, origin, **wrong)


@pytest.mark.parametrize("content", [b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"root:x:0", b""])
def test_what_is_no_public_key_never_gets_into_the_image(bench: Bench, origin: Origin, content: bytes) -> None:
    (origin.directory / "key").write_bytes(content)
    with pytest.raises(ResolveError, match="no OpenPGP public key"):
        run(bench, origin, keys=(SigningKey(uri="this://key"),))
    assert not (bench.root / "etc/apt/keyrings").exists()


def test_a_link_in_the_tree_does_not_lead_the_files_out_of_it(bench: Bench, origin: Origin) -> None:
    outside = bench.root.parent / "outside"
    outside.mkdir()
    (bench.root / "etc/apt").symlink_to(outside)
    run(bench, origin)
    assert list(outside.iterdir()) == []


def test_a_key_outside_of_the_checkout_is_refused(bench: Bench, origin: Origin) -> None:
    (origin.boundary.parent / "key").write_bytes(KEY)
    with pytest.raises(PackhouseError):
        run(bench, origin, keys=(SigningKey(uri="this://../../key"),))
