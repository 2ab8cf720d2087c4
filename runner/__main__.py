# SPDX-License-Identifier: Apache-2.0
"""The command ``packhouse``. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys

from runner import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:  # answered before anything is imported
        sys.stdout.write(f"packhouse {__version__}\n")
        return
    from runner.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
