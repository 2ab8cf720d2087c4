# SPDX-License-Identifier: Apache-2.0
"""Find what a ref means in a remote repository: default branch, branch, tag, full name, full or short commit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.sources.address import shown

if TYPE_CHECKING:
    from runner.sources.porcelain import HardenedGit
    from runner.sources.session import Session

_FULL_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{4,63}")
_ILL_FORMED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|^/|/$|\.$|\.lock(?:/|$)|^@$")
_SYMREF = re.compile(r"ref: (?P<name>\S+)\tHEAD")
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be fetched.

    Attributes:
        name: full ref name (``refs/heads/main``), None for a bare commit.
        oid: full object id of a commit or annotated tag; a prefix of a commit id when ``short``.
        sha256: the repository names its objects by SHA-256.
        short: ``oid`` still has to be completed.
    """

    name: str | None
    oid: str
    sha256: bool
    short: bool = False


def check_ref(ref: str) -> None:
    """Refuse what can be no ref name and no commit (git-check-ref-format(1)), before git sees it.

    Raises:
        SourceError: the ref is empty, starts with ``-`` or is ill-formed.
    """
    if not ref:
        raise SourceError("the ref is empty", hint="leave it out to take the default branch")
    if ref.startswith("-") or _ILL_FORMED.search(ref):
        raise SourceError(
            f"{shown(ref)!r} is not a ref", hint="name a branch, a tag, a full ref (refs/heads/main) or a commit"
        )


def find(git: HardenedGit, session: Session, url: str, ref: str | None) -> Target:
    """Ask the repository at ``url`` what ``ref`` is; None means its default branch.

    A name that is both a tag and a branch means the tag, as in git itself.

    Raises:
        SourceError: there is no such ref, or the repository is empty.
        GitFault: the repository cannot be asked.
    """
    if ref is None or ref == "HEAD":
        return _default(git.remote_refs(url, "HEAD"), url)
    check_ref(ref)
    if _FULL_COMMIT.fullmatch(ref.lower()):
        return Target(None, ref.lower(), sha256=len(ref) == 64)  # noqa: PLR2004 - hex digits of SHA-256
    names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}"]
    heads = _parse(git.remote_refs(url, *names))
    found = [name for name in names if name in heads]
    if len(found) > 1:
        session.say(f"warning: {ref} is a tag and a branch; taking the tag (say refs/heads/{ref} for the branch)")
    if found:
        return Target(found[0], heads[found[0]], sha256=_is_sha256(heads))
    return _short(_parse(git.remote_refs(url)), url, ref)


def _default(answer: str, url: str) -> Target:
    heads = _parse(answer)
    if "HEAD" not in heads:
        raise SourceError(
            f"{url} has no default branch", why="it is empty, or its HEAD names no branch", hint="use --ref"
        )
    symref = _SYMREF.search(answer)
    return Target(symref["name"] if symref else None, heads["HEAD"], sha256=_is_sha256(heads))


def _short(heads: dict[str, str], url: str, ref: str) -> Target:
    if heads and _SHORT_COMMIT.fullmatch(ref.lower()):
        return Target(None, ref.lower(), sha256=_is_sha256(heads), short=True)
    raise no_such_ref(url, ref, heads)


def no_such_ref(url: str, ref: str, known: dict[str, str]) -> SourceError:
    """Return the error for a ``ref`` that is none of ``known`` (full names); its hint has those spelled alike."""
    names = {_brief(name): name for name in known if name != "HEAD"}
    near = get_close_matches(_brief(ref), names, n=_SUGGESTIONS)
    hint = f"did you mean {' or '.join(near)}?" if near else f"see what there is: git ls-remote {url}"
    return SourceError(f"there is no branch, tag or commit {ref!r} in {url}", hint=hint)


def _brief(name: str) -> str:
    return re.sub(r"^refs/(heads|tags)/", "", name)


def _parse(answer: str) -> dict[str, str]:
    """Map full ref names to object ids; peeled entries (``^{}``) and symbolic lines are left out."""
    heads = {}
    for line in answer.splitlines():
        oid, tab, name = line.partition("\t")
        if tab and _FULL_COMMIT.fullmatch(oid) and not name.endswith("^{}"):
            heads[name] = oid
    return heads


def _is_sha256(heads: dict[str, str]) -> bool:
    return any(len(oid) == 64 for oid in heads.values())  # noqa: PLR2004 - hex digits of SHA-256
