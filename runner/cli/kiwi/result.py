# SPDX-License-Identifier: Apache-2.0
"""``result list`` and ``result bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.output import print_result

if TYPE_CHECKING:
    from runner.cli.kiwi.asked import Asked
    from runner.cli.options import Session
    from runner.cli.output import Style


def show(style: Style, folder: Path) -> None:
    """Print the results in ``folder``: KIWI's key and the file of each."""
    from runner.bundle.results import read_results

    results = read_results(folder.absolute())
    files = {key: results.folder / entry.name for key, entry in results.entries.items()}
    width = max((len(key) for key in files), default=0)
    body = {
        key: {
            "filename": str(path),
            "compress": results.entries[key].compress,
            "shasum": results.entries[key].shasum,
            "use_for_bundle": results.entries[key].use_for_bundle,
        }
        for key, path in files.items()
    }
    print_result(style, body, "\n".join(f"{key:<{width}}  {path}" for key, path in files.items()))


def list_result(session: Session, asked: Asked, *, target_dir: str) -> None:  # noqa: ARG001  # as all commands
    """List results."""
    show(session.style, Path(target_dir))


def bundle_result(  # all options of the command
    session: Session,
    asked: Asked,
    *,
    target_dir: str,
    bundle_id: str,
    bundle_dir: str,
    pattern: str | None,
    no_compress: bool,
    zsync_source: str | None,
) -> None:
    """Bundle results."""
    from runner.bundle.bundle import BundleOptions, bundle
    from runner.bundle.results import read_results

    folder = Path(bundle_dir).absolute()
    compress = not no_compress and asked.runtime.compress_bundle is not False
    options = BundleOptions(
        id=bundle_id, pattern=pattern or "", compress=compress, zsync_source=zsync_source or ""
    )
    made = bundle(read_results(Path(target_dir).absolute()), folder, options)
    body = {"bundle": str(folder), "files": {item.name: {"sha256": item.sha256} for item in made}}
    print_result(session.style, body, "\n".join(f"{item.sha256}  {folder / item.name}" for item in made))
