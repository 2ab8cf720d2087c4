# SPDX-License-Identifier: Apache-2.0
"""What a configuration may say, and what is said of one that is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.service.config.load import dump_config, find_config, load_config, parse_config
from runner.service.config.model import ServiceConfig
from runner.service.config.problem import ConfigError, Problem, shown
from tests.unit.service.config.strategies import configs

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
FOLDER = Path("/etc/packhouse")
REPOSITORY = "repositories:\n  images:\n    url: https://host/images.git\n"


def parse(text: str) -> ServiceConfig:
    return parse_config(text.encode(), "packhouse.yaml", FOLDER)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    return caught.value.problems


def only(text: str) -> Problem:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_an_empty_file_has_all_defaults() -> None:
    assert parse("") == parse("# nothing\n") == parse("secrets:\nlimits:\n") == ServiceConfig()


def test_units_become_seconds_and_bytes() -> None:
    limits = parse("limits: {time: 90m, log: 1K, memory: 17, disk: 2T}").limits
    assert (limits.time, limits.log, limits.memory, limits.disk) == (5400, 1024, 17, 2 << 40)


def test_relative_paths_count_from_the_folder_of_the_file() -> None:
    config = parse("state: state\nsecrets: {a: {file: keys/a}, b: {file: /run/b}}")
    assert config.state == "/etc/packhouse/state"
    assert [source.file for source in config.secrets.values()] == ["/etc/packhouse/keys/a", "/run/b"]


def test_names_that_look_like_numbers_stay_as_written() -> None:
    repository = parse(f"{REPOSITORY}    refs: [1.10, 2026, 0x1F, 2026-01-02, 1_0]").repositories["images"]
    assert repository.refs == ("1.10", "2026", "0x1F", "2026-01-02", "1_0")


def test_the_key_on_is_no_switch() -> None:
    config = parse("notifications: {a: {kind: slack, url: https://h/x, on: [success]}}")
    assert config.notifications["a"].on == ("success",)


def test_anchors_and_merge_keys_work() -> None:
    config = parse(
        f"{REPOSITORY}    <<: &usual {{poll: 1h, refs: [a]}}\n  more: {{<<: *usual, url: file:///x, refs: [b]}}"
    )
    assert [(entry.poll, entry.refs) for entry in config.repositories.values()] == [(3600, ("a",)), (3600, ("b",))]


@settings(
    max_examples=100,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
)
@given(configs())
def test_what_is_written_out_is_read_back(config: ServiceConfig) -> None:
    assert parse(dump_config(config)) == config


WRONG = {
    "listn: x": ("listn", 1, "there is no key 'listn' here", "did you mean listen?"),
    "\n\nrepositories:\n  a: {}": ("repositories.a", 4, "the key 'url' is missing", ""),
    "repositories: {a: x}": ("repositories.a", 1, "must be keys with values, not text", ""),
    "listen: [x]": ("listen", 1, "must be text, not a list", ""),
    "listen: true": ("listen", 1, "must be text, not true or false: put it in quotes", ""),
    "listen: 8080": ("listen", 1, "must be HOST:PORT", ""),
    "listen: 'h:70000'": ("listen", 1, "must be HOST:PORT", ""),
    "listen: '::1:80'": ("listen", 1, "must be HOST:PORT", ""),
    "public_url: ftp://h": ("public_url", 1, "must be https://HOST", ""),
    "public_url: https://h/?a=b": ("public_url", 1, "must hold neither a login nor anything", ""),
    "trusted_proxies: [10.0.0.1/8]": ("trusted_proxies[0]", 1, "must be an address or a network", ""),
    "trusted_proxies: 10.0.0.1": ("trusted_proxies", 1, "must be a list, not text", "write [ ] around it"),
    "database: mysql://h/x": ("database", 1, "must be postgresql://", ""),
    "database: postgresql://u:pw@h/x": ("database", 1, "must not hold a password", ""),
    "database: postgresql://h/x\ndatabase_secret: a\nsecrets: {a: {env: A}}": (
        "database_secret",
        2,
        "the database is named twice",
        "keep one",
    ),
    "limits: {time: 5 min}": ("limits.time", 1, "must be a duration such as", ""),
    "limits: {time: 0}": ("limits.time", 1, "must be a duration: more than 0s", ""),
    "limits: {time: .inf}": ("limits.time", 1, "must be a duration such as", ""),
    "limits: {processes: 1000001}": (
        "limits.processes",
        1,
        "must be a whole number: at least 0 and at most 1000000",
        "",
    ),
    "limits: {log: 1GB}": ("limits.log", 1, "must be a size such as", ""),
    "worker: {builds: 1.5}": ("worker.builds", 1, "must be a whole number", ""),
    "worker: {builds: 010}": ("worker.builds", 1, "must be a whole number", ""),
    "worker:\n  builds: 0": ("worker.builds", 2, "must be a whole number: at least 1 and at most 256", ""),
    "worker: {labels: [a b]}": ("worker.labels[0]", 1, "must be text: letters, digits", ""),
    "secrets: {a: {}}": ("secrets.a", 1, "a secret has one source, and this has 0", "give one of env"),
    "secrets: {a: {env: A, file: b}}": ("secrets.a", 1, "a secret has one source, and this has 2", ""),
    "secrets: {a: {env: A=B}}": ("secrets.a.env", 1, "must be text: letters, digits and _", ""),
    "secrets: {a: {credential: ../x}}": ("secrets.a.credential", 1, "must be text: the name of a file", ""),
    "secrets: {a: {env: A}}\ntokens:\n  t: {secret: b}": (
        "tokens.t.secret",
        3,
        "names no entry of secrets",
        "there is: a",
    ),
    "secrets: {token: {env: A}}\ntokens: {t: {secret: tokn}}": (
        "tokens.t.secret",
        2,
        "names no entry of secrets",
        "did you mean token?",
    ),
    "destinations: {a: {url: /srv/x}}": ("destinations.a.url", 1, "must be s3://BUCKET/PREFIX or file:///DIR", ""),
    "destinations: {a: {url: file://srv/x}}": ("destinations.a.url", 1, "must have three slashes", ""),
    "destinations: {a: {url: 's3://k:s@b'}}": ("destinations.a.url", 1, "must be s3://", ""),
    "destinations: {a: {url: s3://b, settings: {AWS_SECRET_ACCESS_KEY: x}}}": (
        "destinations.a.settings.AWS_SECRET_ACCESS_KEY",
        1,
        "this looks like a secret",
        "name it in secrets",
    ),
    "destinations: {a: {url: s3://b, channels: {refs/heads/x: edge}}}": (
        "destinations.a.channels.refs/heads/x",
        1,
        "must be the short name of a branch or tag",
        "",
    ),
    "notifications: {a: {kind: slack}}": ("notifications.a", 1, "a notification goes to one place", ""),
    "notifications: {a: {kind: email, url: https://h, to: [a@b], sender: a@b}}": (
        "notifications.a.url",
        1,
        "must begin with smtp://",
        "",
    ),
    'notifications: {a: {kind: email, url: smtp://h, to: ["a@b\\nBcc: x@y"], sender: a@b}}': (
        "notifications.a.to[0]",
        1,
        "must be an e-mail address",
        "",
    ),
}
IN_REPOSITORY = {
    "refs: []": ("refs", "neither branches nor tags are watched", ""),
    "refs: [main, 'a b']": ("refs[1]", "must be the name of a branch or tag", ""),
    "refs: ['[a']": ("refs[0]", "must be the name of a branch or tag", ""),
    "descriptions: [../x]": ("descriptions[0]", "must be a folder inside the repository", ""),
    "destination: imagse": ("destination", "names an entry of destinations, and there is none", ""),
    "notify: [chat]": ("notify[0]", "names an entry of notifications, and there is none", ""),
    "priority: 5000": ("priority", "must be a whole number: at least -1000 and at most 1000", ""),
    "webhook: {forge: githb, secrets: [a]}": ("webhook.forge", "must be one of github", "did you mean github?"),
    "webhook: {forge: github, secrets: []}": ("webhook.secrets", "must have 1 to 2 entries", ""),
    "status: {forge: github, project: x, token: a}": (
        "status.project",
        "must be text: OWNER/NAME or a number",
        "",
    ),
    "commits: {signed: true}": ("commits", "signed and allowed_signers count only together", ""),
    "commits: {allowed_signers: x}": ("commits", "signed and allowed_signers count only together", ""),
    "boot_test: {password: a}": ("boot_test.password", "a password is for running a script", ""),
    "boot_test: {password: x}": ("boot_test.password", "names no entry of secrets", "there is: a"),
    "schedules: [{nightly: true, ref: b, pull_request: {forge: gitea, project: a/b, token: a, branch: b}}]": (
        "schedules[0].pull_request.branch",
        "this branch is watched or built",
        "name one that nobody else pushes to",
    ),
    "schedules: [{nightly: true, pull_request: {forge: gitea, project: a/b, token: a, author: me}}]": (
        "schedules[0].pull_request.author",
        "must be a name and an address such as",
        "",
    ),
    "schedules: [{}]": ("schedules[0]", "a schedule has either nightly: true or cron", ""),
    "schedules: [{nightly: true, cron: 1 1 * * *}]": ("schedules[0]", "a schedule has either", ""),
    "schedules: [{cron: 1 1 * *}]": ("schedules[0].cron", "must have five fields as in crontab(5)", ""),
    "schedules: [{cron: 0 0 30 2 *}]": ("schedules[0].cron", "must be five fields", ""),
    "schedules: [{cron: 61 0 * * *}]": ("schedules[0].cron", "must be five fields", ""),
    "schedules: [{nightly: true, timezone: Europe}]": (
        "schedules[0].timezone",
        "must be a name of the time zone",
        "",
    ),
    "schedules: [{nightly: true, ref: v*}]": ("schedules[0].ref", "must be one branch or tag, not a pattern", ""),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_with_key_and_line(text: str) -> None:
    key, line, message, hint = WRONG[text]
    problem = only(text)
    assert (shown(problem.path), problem.line) == (key, line)
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize("text", IN_REPOSITORY)
def test_a_mistake_in_a_repository_is_told(text: str) -> None:
    key, message, hint = IN_REPOSITORY[text]
    problem = only(f"secrets: {{a: {{env: A}}}}\n{REPOSITORY}    {text}")
    assert (shown(problem.path), problem.line) == (f"repositories.images.{key}", 5)
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    "url",
    [
        "https://u:pw@host/x",
        "https://token@host/x",
        "git://host/x",
        "/srv/x",
        "ext::sh -c x",
        "-x",
        "https://",
        "''",
    ],
)
def test_repositories_that_are_not_watched(url: str) -> None:
    assert only(f"repositories: {{a: {{url: {url}}}}}").message.startswith("must ")


def test_two_branches_are_not_proposed_to_from_one() -> None:
    pull = "pull_request: {forge: gitea, project: a/b, token: a}"
    text = f"secrets: {{a: {{env: A}}}}\n{REPOSITORY}    schedules:\n      - {{nightly: true, {pull}}}\n"
    (problem,) = problems(f"{text}      - {{name: weekly, cron: 0 5 * * *, ref: v1, {pull}}}\n")
    assert problem.message == "a schedule of another ref has the same branch"


def test_names_of_two_schedules_differ() -> None:
    text = f"{REPOSITORY}    schedules:\n      - nightly: true\n      - cron: 0 5 * * *\n"
    assert [(problem.line, problem.message) for problem in problems(text)] == [
        (5, "another schedule is called 'nightly' too"),
        (6, "another schedule is called 'nightly' too"),
    ]


def test_everything_is_told_at_once_and_in_order() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("listen: x\nrepositories:\n  a: {urll: https://h/x, destination: b}\nworker: {builds: x}\n")
    assert str(caught.value).splitlines()[0] == "packhouse.yaml: the configuration has 5 mistakes"
    assert [(problem.line, shown(problem.path)) for problem in caught.value.problems] == [
        (1, "listen"),
        (3, "repositories.a.urll"),
        (3, "repositories.a"),
        (3, "repositories.a.destination"),
        (4, "worker.builds"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "secrets: {a: CANARY}",
        "secrets: {a: {env: 'CANARY=CANARY'}}",
        "secrets: {b: {env: B}}\ntokens: {a: {secret: CANARY}}",
        "tokens: {a: {secret: 'CANARY CANARY'}}",
        "database: postgresql://u:CANARY@h/x",
        "repositories: {a: {url: 'https://u:CANARY@h/x'}}",
        "repositories: {a: {url: 'https://u:CANARY@h:port/x'}}",
        "repositories: {a: {url: 'https://h/x?token=CANARY'}}",
        "destinations: {a: {url: 's3://u:CANARY@b/x'}}",
        "public_url: https://u:CANARY@h",
        "notifications: {a: {kind: slack, url: 'https://u:CANARY@h'}}",
        "limits: {time: CANARY, log: CANARY, disk: CANARY}",
        "secrets: !CANARY x",
        "secrets: 'CANARY",
    ],
)
def test_a_secret_at_a_wrong_place_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert "CANARY" not in str(caught.value)


def bomb() -> str:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    return "\n".join(["a0: &a0 [x]", *levels])


def merge_bomb() -> str:
    levels = [f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}" for level in range(1, 9)]
    return "\n".join(["a0: &a0 {x: y}", *levels])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(bomb(), "there are more than 1000000 values", id="bomb"),
        pytest.param(merge_bomb(), "there are more than 1000000 values", id="merge-bomb"),
        ("state: &a [*a]", "an alias stands inside of what it stands for"),
        ("state: &a {<<: [*a, *a]}", "an alias stands inside of what it stands for"),
        pytest.param("[" * 100_000, "values nest deeper than 32", id="deep"),
        pytest.param("#" * (17 << 20), "the file is larger than", id="large"),
        ("a: 1\na: 2", "the key 'a' stands here a second time"),
        ("state: x\n---\nstate: y", "this is not valid YAML: but found another document"),
        ("state: !!python/object/apply:os.system [id]", "tags are not allowed"),
        ("state: !!binary aGk=", "tags are not allowed"),
        ("{[a]: b}", "a key must be text"),
        ("<<: x", "only keys with values can be merged"),
        ("state: 'x", "this is not valid YAML"),
        ("state: \x07", "this is not valid YAML"),
        ('state: "a\\0b"', "a NUL character may not stand in a value"),
        ("- a", "must be keys with values, not a list"),
        ("just text", "must be keys with values, not text"),
    ],
)
def test_hostile_files_are_refused(text: str, message: str) -> None:
    assert problems(text)[0].message.startswith(message)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(ConfigError, match="this is not UTF-8") as caught:
        parse_config(b"state: x\nlisten: \xff", "x", FOLDER)
    assert caught.value.problems[0].line == 2


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["packhouse.yaml", "packhouse-fleet.yaml"]), st.data())
def test_no_other_error_comes_of_a_spoilt_file(name: str, data: st.DataObject) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    new = data.draw(
        st.text(max_size=8) | st.sampled_from(["*usual", "&a ", "<<: ", "[", "{", "- ", "\n", "null", "~"])
    )
    try:
        parse_config((text[:at] + new + text[at + length :]).encode("utf-8", "surrogatepass"), "x", FOLDER)
    except ConfigError as error:
        assert str(error).encode()  # noqa: PT017  # a file that is still right raises none


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "packhouse.yaml"
    path.write_text("secrets: {a: {file: there}, b: {file: gone}}")
    (tmp_path / "there").write_text("x")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.problems == (
        Problem(("secrets", "b", "file"), f"there is no file {tmp_path / 'gone'}", line=1),
    )
    assert set(load_config(path, files=False).secrets) == {"a", "b"}


def not_there(_: Path) -> None:
    pass


@pytest.mark.parametrize("make", [not_there, Path.mkdir, os.mkfifo])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match="the configuration cannot be read"):
        load_config(tmp_path / "x.yaml")


def test_the_file_is_found_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "packhouse.yaml").write_text("")
    assert find_config() == Path("packhouse.yaml")


def test_many_repositories_are_read_quickly() -> None:
    lines = [f"  r{number}: {{url: https://h/{number}.git, refs: [main], poll: 5m}}" for number in range(3000)]
    assert len(parse("\n".join(["repositories:", *lines])).repositories) == 3000


def test_structs_can_be_made_by_hand() -> None:
    config = parse(REPOSITORY)
    repository = msgspec.structs.replace(config.repositories["images"], poll=1)
    assert repository.poll == 1
