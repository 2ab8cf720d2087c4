# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from runner.create.container import Layer, image_config
from runner.create.docker import repository_tags
from runner.create.inputs import CreateInputs
from runner.plan.model import ContainerPlan, TypePlan

LAYER = Layer(Path("layer.tar"), "ab" * 32, 10)


def inputs(container: ContainerPlan | None, arch: str = "x86_64") -> CreateInputs:
    plan = TypePlan(image="docker", container=container)
    return CreateInputs(
        stem="n.x86_64-1", type=plan, arch=arch, epoch=0, seed="00", author="Ann <ann@example.org>"
    )


@pytest.mark.parametrize(
    ("additional", "expected"),
    [
        (":b", "name:b"),
        ("other", "other:tag"),
        ("other:", "other:tag"),
        ("other:b", "other:b"),
        ("host:5000/other", "host:5000/other:tag"),
        ("host:5000/other:b", "host:5000/other:b"),
    ],
)
def test_the_missing_half_of_a_name_is_filled_in(additional: str, expected: str) -> None:
    plan = ContainerPlan(name="name", tag="tag", additional_names=(additional,))
    assert repository_tags(plan) == ["name:tag", expected]


def test_a_name_given_twice_is_there_once() -> None:
    assert repository_tags(ContainerPlan(name="a", tag="b", additional_names=("a:b", ":b"))) == ["a:b"]


def test_a_plain_container_says_only_what_is_known() -> None:
    config = image_config(inputs(None), LAYER)
    assert config["config"] == {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    assert config["created"] == "1970-01-01T00:00:00Z"
    assert config["author"] == "Ann <ann@example.org>"
    assert config["rootfs"]["diff_ids"] == ["sha256:" + "ab" * 32]
    assert len(config["history"]) == 1


def test_the_environment_of_the_description_wins() -> None:
    config = image_config(inputs(ContainerPlan(environment={"PATH": "/bin"})), LAYER)
    assert config["config"]["Env"] == ["PATH=/bin"]


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        ("aarch64", ("arm64", None)),
        ("ix86", ("386", None)),
        ("armv7l", ("arm", "v7")),
        ("riscv64", ("riscv64", None)),
        ("newarch", ("newarch", None)),
    ],
)
def test_architectures_have_gos_names(arch: str, expected: tuple[str, str | None]) -> None:
    config = image_config(inputs(None, arch), LAYER)
    assert (config["architecture"], config.get("variant")) == expected
