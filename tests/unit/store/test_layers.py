# SPDX-License-Identifier: Apache-2.0
"""Layers: whole or absent, kept while in use, discarded when a crash may have hurt them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.store import Store
from runner.store.eviction import evict, folder_size

if TYPE_CHECKING:
    from pathlib import Path


def make(store: Store, key: str, text: str = "content") -> None:
    with store.scratch("test") as work:
        (work / "tree").mkdir()
        (work / "tree" / "file").write_text(text)
        store.layers.adopt(key, work / "tree")


def test_an_unknown_layer_is_none_and_holds_no_lock(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.layers.use("key") as layer:
        assert layer is None
        make(store, "key")  # would hang if the miss kept the lock
    with store.layers.use("key") as layer:
        assert layer is not None
        assert (layer.content / "file").read_text() == "content"


def test_the_first_of_two_makers_wins_and_the_other_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "key", "first")
    make(store, "key", "second")
    with store.layers.use("key") as layer:
        assert layer is not None
        assert (layer.content / "file").read_text() == "first"
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_layer_of_another_boot_that_was_never_flushed_is_not_used(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "key", "old")
    (tmp_path / "layers" / "key" / "boot").write_text("another boot\n")
    with store.layers.use("key") as layer:
        assert layer is None
    make(store, "key", "new")
    with store.layers.use("key") as layer:
        assert layer is not None
        assert (layer.content / "file").read_text() == "new"


def test_a_flushed_layer_outlives_its_boot(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "key")
    folder = tmp_path / "layers" / "key"
    long_ago = time.time() - 600
    os.utime(folder / "boot", (long_ago, long_ago))
    with store.layers.use("key") as layer:
        assert layer is not None
    assert (folder / "flushed").exists()
    (folder / "boot").write_text("another boot\n")
    with store.layers.use("key") as layer:
        assert layer is not None


def test_a_layer_in_use_is_not_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "key")
    with store.layers.use("key"):
        remove = "import sys; from pathlib import Path; from runner.store import Store; "
        remove += "print(Store(Path(sys.argv[1])).layers.remove('key'))"
        done = subprocess.run([sys.executable, "-c", remove, tmp_path], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"
    assert store.layers.remove("key")
    assert store.layers.oldest_first() == []


def test_a_removal_that_was_cut_short_leaves_no_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    make(store, "key")
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_options: None)  # killed before the first file went
    store.layers.remove("key")
    with store.layers.use("key") as layer:
        assert layer is None


def test_a_layer_just_made_is_not_evicted_under_its_maker(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "key")
    evict(store, 0)
    assert [layer.key for layer in store.layers.oldest_first()] == ["key"]


def test_scratch_is_gone_whatever_happens(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def interrupted() -> None:
        with store.scratch("work") as folder:
            (folder / "x").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "staging").iterdir()) == []


def test_what_a_killed_build_left_is_swept_and_what_a_living_one_needs_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    dead = tmp_path / "staging" / "build-dead"
    dead.mkdir(parents=True)
    long_ago = time.time() - 3600
    with store.scratch("alive") as alive:
        for folder in (dead, alive):
            os.utime(folder, (long_ago, long_ago))
        with store.scratch("other"):
            assert not dead.exists()
            assert alive.exists()


def test_eviction_takes_the_longest_unused_layers_first_and_then_old_blobs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    from runner.digest import sha256_bytes

    data = b"x" * 10_000
    blob = store.blobs.add([data], sha256=sha256_bytes(data), size=len(data), name="x")
    for age, key in ((300, "old"), (100, "new")):
        make(store, key, "y" * 100_000)
        moment = time.time() - age
        os.utime(tmp_path / "layers" / key, (moment, moment))
    cap = folder_size(tmp_path / "layers" / "new") + 20_000
    evict(store, cap)
    assert [layer.key for layer in store.layers.oldest_first()] == ["new"]
    assert blob.exists()
    evict(store, 0)
    assert store.layers.oldest_first() == []
    assert blob.exists()  # young: somebody may be about to use it
    os.utime(blob, (0, 0))
    evict(store, 0)
    assert not blob.exists()


def test_a_layer_is_measured_once_and_that_is_no_use_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "old", "y" * 100_000)
    layer = tmp_path / "layers" / "old"
    os.utime(layer, (1000, 1000))
    evict(store)
    assert layer.stat().st_mtime == 1000
    assert int((layer / "size").read_text()) >= 100_000
    (layer / "size").write_text("5")
    evict(store, 10)
    assert layer.exists(), "the number is believed, the files are not looked at"
    (layer / "size").write_text("cut off")
    evict(store, 10)
    assert not layer.exists()
