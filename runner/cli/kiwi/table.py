# SPDX-License-Identifier: Apache-2.0
"""kiwi-ng's command line as one table: every command and option, and what becomes of it here.

The parser and the documentation are made from it, so neither can say what the other does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What becomes of an option. ``IGNORED`` is accepted with a warning, ``REFUSED`` stops with the reason."""

    USED = "used"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Switch:
    """One option.

    Attributes:
        name: with its dashes.
        text: what it does here, or why it does nothing.
        metavar: what its value is; empty for a flag.
        to: name of the parameter it becomes, where that is not its own.
        many: it may be given again.
        required: the command needs it.
        ours: kiwi-ng has no such option.
    """

    name: str
    text: str
    metavar: str = ""
    fate: Fate = Fate.USED
    to: str = ""
    many: bool = False
    required: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a service; ``refused`` tells why it is not for use here."""

    service: str
    name: str
    text: str
    switches: tuple[Switch, ...]
    refused: str = ""


def _ignored(name: str, text: str, metavar: str = "") -> Switch:
    return Switch(name, text, metavar, Fate.IGNORED)


def _refused(name: str, text: str, metavar: str = "", *, many: bool = False) -> Switch:
    return Switch(name, text, metavar, Fate.REFUSED, many=many)


COMMON = (
    Switch("--profile", "Profile to build; repeatable.", "NAME", to="profiles", many=True),
    Switch("--type", "Image type to build; the primary one by default.", "TYPE", to="type_name"),
    Switch("--kiwi-file", "Main file of the description, when it is not the one KIWI would find.", "NAME"),
    Switch("--target-arch", "Machine to build for, as `uname -m` says it.", "ARCH", to="arch"),
    Switch(
        "--setenv",
        "Set a variable of the builder's own environment (proxies, logins); scripts of the image do not see it: "
        "their environment is part of the plan.",
        "NAME=VALUE",
        many=True,
    ),
    Switch("--shared-cache-dir", "Keep the store in the folder `packhouse` there.", "DIR"),
    Switch("--debug", "Show the tools' output and debug messages."),
    Switch("--logfile", "Write what is said into a file as well; `stdout` for standard output.", "FILE"),
    Switch("--loglevel", "10 as --debug, 20 shows the tools' output, 30 and more only progress.", "N"),
    Switch(
        "--config",
        "KIWI's runtime configuration: obs/download_url, build_constraints/max_size, bundle/compress count, the "
        "rest is told of. Files in the home folder and in /etc are not read.",
        "FILE",
    ),
    _ignored("--color-output", "colours follow the terminal"),
    _ignored("--logsocket", "the log goes to standard error and to --logfile", "SOCKET"),
    _ignored("--temp-dir", "work is done in the store, in folders that go with the build", "DIR"),
    _refused(
        "--debug-run-scripts-in-screen",
        "scripts run without a terminal, so that they cannot ask; --debug shows what they print",
    ),
)
"""May stand before the service, before the command and behind it."""

_DESCRIPTION = Switch(
    "--description", "Folder of the description, or a git URL.", "DIR", to="source", required=True
)
_TARGET = Switch("--target-dir", "Folder of the results.", "DIR", required=True)

_REPOSITORY = "`source,type,alias,priority,imageinclude,…`, or `source=…,distribution=…`"
REPOSITORIES = (
    Switch("--ignore-repos", "Forget the description's repositories.", to="ignore_repositories"),
    Switch(
        "--ignore-repos-used-for-build",
        "Forget the description's repositories but those marked imageonly.",
        to="ignore_repositories_used_for_build",
    ),
    Switch("--set-repo", f"Change the first repository: {_REPOSITORY}.", "REPO", to="set_repositories", many=True),
    Switch("--add-repo", f"Add a repository: {_REPOSITORY}.", "REPO", to="add_repositories", many=True),
    Switch(
        "--repo-map",
        "Read addresses that begin with FROM as if they began with TO; needed for `obs:`.",
        "FROM=TO",
        to="repository_map",
        many=True,
        ours=True,
    ),
    Switch(
        "--allow-unsigned-repositories",
        'Honour repository_gpgcheck="false"; recorded in the manifest.',
        to="allow_unsigned",
        ours=True,
    ),
    Switch(
        "--allow-expired-repositories",
        "Accept indices past their Valid-Until; recorded in the manifest.",
        to="allow_expired",
        ours=True,
    ),
)

_LOGIN = (
    "a password on a command line is seen by every user of the machine; set PACKHOUSE_REPOSITORY_<ALIAS>_USERNAME "
    "and _PASSWORD, or _CREDENTIALS_FILE"
)
_CERTIFICATE = (
    "certificates are named in <certificates> of the description, so that the result depends on it alone"
)

OVERRIDES = (
    *REPOSITORIES,
    _refused("--set-repo-credentials", _LOGIN, "USER:PASS", many=True),
    _refused("--add-repo-credentials", _LOGIN, "USER:PASS", many=True),
    Switch("--add-package", "Add an image package; repeatable.", "NAME", to="add_packages", many=True),
    Switch("--add-bootstrap-package", "Add a bootstrap package.", "NAME", to="add_bootstrap_packages", many=True),
    Switch(
        "--delete-package", "Uninstall a package at the end of prepare.", "NAME", to="delete_packages", many=True
    ),
    Switch(
        "--signing-key", "Key file that may sign any of the repositories.", "FILE", to="signing_keys", many=True
    ),
    Switch("--set-type-attr", "Set an attribute of the type.", "NAME=VALUE", to="type_attributes", many=True),
    Switch("--set-release-version", "Set <release-version>.", "VERSION", to="release_version"),
    Switch("--set-container-tag", "Set the tag of the container.", "TAG", to="container_tag"),
    Switch(
        "--add-container-label", "Add a label to the container.", "NAME=VALUE", to="container_labels", many=True
    ),
    Switch(
        "--set-container-derived-from",
        "Set the image the container is built on.",
        "URI",
        to="container_derived_from",
    ),
    _refused("--ca-cert", _CERTIFICATE, "FILE", many=True),
    _refused("--ca-target-distribution", _CERTIFICATE, "NAME"),
    Switch("--clear-cache", "Take no finished layer from the store, and leave none there."),
    _ignored("--allow-existing-root", "finished layers come from the store; --root has to be empty"),
)

COMMANDS = (
    Command(
        "system",
        "prepare",
        "Make the root tree of a description.",
        (_DESCRIPTION, Switch("--root", "Empty folder for the tree.", "DIR", required=True), *OVERRIDES),
    ),
    Command(
        "system",
        "create",
        "Pack a prepared tree into an image.",
        (
            Switch("--root", "Tree made by `system prepare`.", "DIR", required=True),
            _TARGET,
            _ignored("--signing-key", "packing installs no packages", "FILE"),
        ),
    ),
    Command(
        "system",
        "build",
        "Prepare and create in one step; also writes a manifest, the lock and checksums.",
        (_DESCRIPTION, _TARGET, *OVERRIDES),
    ),
    Command(
        "system",
        "update",
        "Update the packages of a tree.",
        (
            Switch("--root", "Tree.", "DIR"),
            Switch("--add-package", "Package.", "NAME", many=True),
            Switch("--delete-package", "Package.", "NAME", many=True),
        ),
        refused="a tree is made from its lock and never changed, so that it can be made again: "
        "run packhouse lock --update and build anew, which takes unchanged layers from the store",
    ),
    Command(
        "image",
        "info",
        "Print facts about a description as JSON.",
        (
            _DESCRIPTION,
            Switch("--resolve-package-list", "Also list every package that would be installed."),
            Switch("--list-profiles", "Also list the profiles."),
            Switch("--print-kiwi-env", "Also list the variables that scripts get."),
            Switch("--print-xml", "Print the description instead, upgraded, as XML."),
            Switch("--print-yaml", "The same as YAML."),
            Switch("--print-toml", "The same as TOML."),
            *REPOSITORIES,
        ),
    ),
    Command(
        "image",
        "resize",
        "Make the disk among the results larger; manifest, checksums and signature, which are no longer true, go. "
        "Better set <size> in the description and build again.",
        (
            _TARGET,
            Switch(
                "--size", "New size: a number of bytes, or 4g, 700m; in whole mebibytes.", "SIZE", required=True
            ),
            Switch(
                "--root",
                "Tree that the disk was made of; formats other than raw need it, and it has no usual place.",
                "DIR",
            ),
        ),
    ),
    Command("result", "list", "List the results of a build.", (_TARGET,)),
    Command(
        "result",
        "bundle",
        "Copy the results under release names, compressed and with checksums.",
        (
            _TARGET,
            Switch(
                "--id",
                "What tells this bundle from others; part of the names.",
                "ID",
                to="bundle_id",
                required=True,
            ),
            Switch("--bundle-dir", "Folder for the bundle; nothing in it is overwritten.", "DIR", required=True),
            Switch(
                "--bundle-format",
                "Names by pattern: %N name, %P profiles, %A architecture, %I id, %T type, %M %m %p parts of the "
                "version, %v version.",
                "PATTERN",
                to="pattern",
            ),
            Switch("--no-compress", "Leave files as they are."),
            Switch(
                "--zsync-source",
                "Make a zsync control file for each compressed file; URL of the folder it will be served from.",
                "URL",
            ),
            _refused(
                "--package-as-rpm", "a bundle is signed and published as it is; no package is made around it"
            ),
        ),
    ),
)
