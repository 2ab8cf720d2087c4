# SPDX-License-Identifier: Apache-2.0
"""What a finished tree must not hold: one line a path, with the reason.

Sources: the clean-up lists of mmdebstrap, debuerreotype, live-build and mkosi, and systemd's page on building
images (https://systemd.io/BUILDING_IMAGES). A new line here is enough for a new rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Action(Enum):
    """What is done to each match."""

    DELETE = auto()
    """Remove a file, link or directory."""
    DELETE_FILE = auto()
    """Remove a regular file; a link of that name is part of the packages."""
    EMPTY = auto()
    """Make the file empty; owner and mode stay."""
    CLEAR = auto()
    """Remove what is in the directory; the directory itself stays."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to the paths that match ``pattern``.

    Attributes:
        pattern: a path in the tree; ``*``, ``?`` and ``[]`` match inside one component, dot files too.
        action: what is done to each match.
        why: the reason, for reports.
        keep: names that CLEAR leaves alone.
    """

    pattern: str
    action: Action
    why: str
    keep: tuple[str, ...] = ()


def _rules(action: Action, why: str, *patterns: str) -> tuple[Rule, ...]:
    return tuple(Rule(pattern, action, why) for pattern in patterns)


IDENTITY = (
    *_rules(Action.DELETE_FILE, "identifies one machine", "/var/lib/dbus/machine-id"),
    *_rules(
        Action.DELETE,
        "secret that each machine must make for itself",
        "/etc/ssh/ssh_host_*",
        "/etc/ssl/private/ssl-cert-snakeoil.key",
        "/etc/ssl/certs/ssl-cert-snakeoil.pem",
        "/var/lib/systemd/random-seed",
        "/boot/efi/loader/random-seed",
        "/var/lib/systemd/credential.secret",
        "/var/lib/NetworkManager/secret_key",
        "/var/lib/urandom/random-seed",
    ),
    *_rules(
        Action.DELETE,
        "identifies one machine",
        "/etc/iscsi/initiatorname.iscsi",
        "/etc/nvme/hostid",
        "/etc/nvme/hostnqn",
    ),
    *_rules(Action.CLEAR, "state of one machine", "/var/lib/cloud", "/var/lib/dhcp"),
)

ACCOUNTS = _rules(
    Action.DELETE,
    "backup or lock of the account tools",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
    "/etc/.pwd.lock",
    "/etc/passwd.lock",
    "/etc/group.lock",
    "/etc/shadow.lock",
    "/etc/gshadow.lock",
    "/etc/subuid.lock",
    "/etc/subgid.lock",
)

DEBIAN_PACKAGES = (
    *_rules(
        Action.DELETE,
        "state of apt that the first run makes again",
        "/var/lib/apt/daily_lock",
        "/var/lib/apt/lists/*",
        "/var/lib/apt/periodic/*",
        "/var/cache/apt/*.bin",
        "/var/cache/apt/archives/*",
        "/etc/apt/apt.conf.d/01autoremove-kernels",
    ),
    *_rules(
        Action.DELETE,
        "backup or lock of dpkg",
        "/var/lib/dpkg/lock*",
        "/var/lib/dpkg/triggers/Lock",
        "/var/lib/dpkg/*-old",
        "/var/lib/dpkg/updates/*",
    ),
    *_rules(Action.EMPTY, "list of packages that the mirrors had", "/var/lib/dpkg/available"),
    *_rules(Action.DELETE, "backup of debconf", "/var/cache/debconf/*-old"),
    *_rules(Action.DELETE, "backup of ucf", "/var/lib/ucf/hashfile.[0-9]", "/var/lib/ucf/registry.[0-9]"),
)

LOGS = (
    *_rules(
        Action.DELETE,
        "log with times of the build",
        "/var/log/dpkg.log",
        "/var/log/alternatives.log",
        "/var/log/bootstrap.log",
        "/var/log/fontconfig.log",
        "/var/log/apt/*",
        "/var/log/unattended-upgrades/*",
        "/var/log/journal/*",
    ),
    *_rules(
        Action.EMPTY,
        "log with times of the build",
        "/var/log/lastlog",
        "/var/log/wtmp",
        "/var/log/btmp",
        "/var/log/faillog",
        "/var/log/tallylog",
    ),
)

CACHES = (
    *_rules(Action.DELETE, "holds inode numbers and change times", "/var/cache/ldconfig/aux-cache"),
    *_rules(
        Action.DELETE,
        "cache that depends on times or directory order and is made again when needed",
        "/var/cache/fontconfig/*",
        "/var/cache/man/*",
        "/var/cache/swcatalog/*",
        "/var/cache/app-info/*",
        "/var/lib/plocate/plocate.db",
        "/var/lib/mlocate/mlocate.db",
        "/var/lib/systemd/catalog/database",
        "/usr/share/fonts/.uuid",
        "/usr/share/fonts/*/.uuid",
        "/usr/share/fonts/*/*/.uuid",
    ),
)

PERSONAL = _rules(
    Action.DELETE,
    "left by a shell or a tool of the build",
    "/root/.bash_history",
    "/root/.cache",
    "/root/.gnupg",
    "/root/.rpmdb",
    "/root/.wget-hsts",
    "/root/.lesshst",
    "/root/.python_history",
    "/boot/grub/device.map",
)

VOLATILE = _rules(
    Action.CLEAR,
    "made at boot by the kernel or the init system",
    "/dev",
    "/proc",
    "/sys",
)

TEMPORARY = (
    *_rules(Action.CLEAR, "temporary files", "/tmp", "/var/tmp"),  # noqa: S108 - paths in a tree
    Rule("/run", Action.CLEAR, "run-time state", keep=("lock",)),  # /var/lock leads to /run/lock
    *_rules(Action.CLEAR, "run-time state", "/run/lock"),
)
"""Left out when the type says ``ensure_empty_tmpdirs="false"``."""

RULES = (*IDENTITY, *ACCOUNTS, *DEBIAN_PACKAGES, *LOGS, *CACHES, *PERSONAL, *VOLATILE)
