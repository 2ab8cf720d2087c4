# SPDX-License-Identifier: Apache-2.0
"""Serve git repositories over HTTP in a process of its own, as long as somebody holds its standard input open.

What git's server takes on the same machine is thus told apart from what ``packhouse serve`` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.support.git_http import serve_git


def main() -> int:
    """Print the URL of the folder that was named, where each request takes so many seconds, and wait."""
    folder, delay = sys.argv[1:]
    with serve_git(Path(folder), delay=float(delay)) as url:
        print(url, flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
