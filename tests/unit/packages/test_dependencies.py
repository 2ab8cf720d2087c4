# SPDX-License-Identifier: Apache-2.0
"""Who needs whom among chosen packages, and in which batches dpkg may unpack them."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from runner.packages.apt.dependencies import closure, install_batches


@dataclass
class Package:
    depends: str = ""
    predepends: str = ""
    provides: str = ""

    def field(self, name: str) -> str:
        return {"Depends": self.depends, "Pre-Depends": self.predepends, "Provides": self.provides}.get(name, "")


def test_closure_follows_alternatives_versions_qualifiers_and_provides() -> None:
    packages = {
        "a": Package(depends="absent | b (>= 1), c:any"),
        "b": Package(predepends="d"),
        "c": Package(),
        "d": Package(depends="virtual"),
        "e": Package(provides="virtual (= 2)"),
        "f": Package(),
    }
    assert closure(packages, ["a"]) == {"a", "b", "c", "d", "e"}


def test_a_pre_dependency_comes_in_an_earlier_batch_with_all_it_needs() -> None:
    packages = {
        "app": Package(predepends="lib", depends="data"),
        "lib": Package(depends="base"),
        "base": Package(),
        "data": Package(),
    }
    assert install_batches(packages, done=()) == [["base", "lib"], ["app", "data"]]


def test_without_pre_dependencies_there_is_one_batch() -> None:
    assert install_batches({"a": Package(depends="b"), "b": Package()}, done=()) == [["a", "b"]]


def test_what_is_configured_already_counts() -> None:
    packages = {"app": Package(predepends="lib"), "lib": Package()}
    assert install_batches(packages, done=["lib"]) == [["app"]]


def test_a_cycle_of_pre_dependencies_ends() -> None:
    packages = {"a": Package(predepends="b"), "b": Package(predepends="a")}
    assert install_batches(packages, done=()) == [["a", "b"]]


NAMES = ["a", "b", "c", "d", "e", "f"]


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.tuples(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
    )
)
def test_batches_partition_the_packages(graph: dict[str, tuple[set[str], set[str]]]) -> None:
    packages = {name: Package(", ".join(deps), ", ".join(pre)) for name, (deps, pre) in graph.items()}
    batches = install_batches(packages, done=())
    flat = [name for batch in batches for name in batch]
    assert sorted(flat) == sorted(packages)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_in_an_acyclic_set_every_pre_dependency_is_configured_before(edges: list[tuple[int, int]]) -> None:
    needs: dict[str, set[str]] = {name: set() for name in NAMES}
    for high, low in edges:
        if low < high:
            needs[NAMES[high]].add(NAMES[low])
    packages = {name: Package(predepends=", ".join(sorted(who))) for name, who in needs.items()}
    at = {name: index for index, batch in enumerate(install_batches(packages, done=())) for name in batch}
    assert all(at[low] < at[name] for name, lows in needs.items() for low in lows)
