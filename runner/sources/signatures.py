# SPDX-License-Identifier: Apache-2.0
"""Who signed a commit: git's own check of ssh signatures against a list of allowed signers (ssh-keygen(1))."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.errors import VerificationError
from runner.sources.faults import GitFault
from runner.sources.session import open_session

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 60.0


def require_signed(git_dir: Path, commit: str, allowed_signers: Path) -> None:
    """Check that ``commit`` of the repository at ``git_dir`` is signed by somebody who may.

    Only ssh signatures count, by a key in the file ``allowed_signers`` that was valid when the commit was made.

    Raises:
        VerificationError: it is not signed, or not by one of them.
    """
    session = open_session(str(git_dir), env=os.environ, seconds=_SECONDS).within(GIT_DIR=str(git_dir))
    session = session.configured(
        [
            ("gpg.ssh.allowedSignersFile", str(allowed_signers.absolute())),
            ("gpg.ssh.revocationFile", ""),
            ("gpg.program", "false"),  # no keyring of this machine decides
            ("gpg.x509.program", "false"),
            ("gpg.minTrustLevel", "fully"),
        ]
    )
    try:
        session.run("verify-commit", "--verbose", commit)
    except GitFault as fault:
        raise VerificationError(
            f"commit {commit} is not signed by anybody who may",
            why="; ".join(line for line in fault.tail if line) or "it has no signature",
            hint=f"sign it with an ssh key that stands in {allowed_signers}",
        ) from fault
