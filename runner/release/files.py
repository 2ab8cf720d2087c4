# SPDX-License-Identifier: Apache-2.0
"""Names of the files of a release, and the text of ``SHA256SUMS``.

Result files keep KIWI's names; ours share their stem ``<name>.<arch>-<version>`` and add further extensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKSUMS = "SHA256SUMS"
KIWI_RESULT = "kiwi.result.json"
MANIFEST_SUFFIX = ".manifest.json"


@dataclass(frozen=True, slots=True)
class ReleaseNames:
    """Our own files beside the results of one build, by the stem they share."""

    stem: str

    @property
    def manifest(self) -> str:
        return self.stem + MANIFEST_SUFFIX

    @property
    def lock(self) -> str:
        return self.stem + ".lock.json"

    @property
    def packages(self) -> str:
        return self.stem + ".packages"

    @property
    def log(self) -> str:
        return self.stem + ".log"

    @property
    def boot_log(self) -> str:
        """What the console showed in boot tests."""
        return self.stem + ".boot.log"

    @property
    def changes(self) -> str:
        """What is different from the release before it in the channel."""
        return self.stem + ".changes.json"

    @property
    def attestations(self) -> str:
        """DSSE envelopes, one a line."""
        return self.stem + ".intoto.jsonl"

    @property
    def sigstore(self) -> str:
        """The same envelope as a Sigstore bundle."""
        return self.stem + ".sigstore.json"

    @property
    def signatures(self) -> frozenset[str]:
        """What only a signed release has."""
        return frozenset({self.attestations, self.sigstore})

    @property
    def around(self) -> frozenset[str]:
        """All that is part of a release beside the artifacts that its manifest lists."""
        return self.signatures | {self.manifest, self.log, self.boot_log, self.changes, CHECKSUMS}


def checksums_text(digests: Mapping[str, str]) -> bytes:
    """Return ``SHA256SUMS`` for ``digests`` (file name to hexadecimal SHA-256), sorted by name.

    The format is that of sha256sum(1) in binary mode without escapes: names with a line feed or a backslash
    cannot occur, the manifest's schema refuses them.
    """
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()
