# SPDX-License-Identifier: Apache-2.0
"""Compare Packhouse with mmdebstrap and KIWI: ``make bench``, or ``benchmarks/run.py --help``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import measure
import peers
import report
from cases import all_cases, kiwi

from runner.packages.mirrors import Mirrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases import Case

_RUNS = {"prepare": 3, "build": 2, "disk": 2, "start": 7}
_DOCS = """\
# Benchmarks

How long Packhouse takes, beside mmdebstrap and KIWI, for the same Debian 12 system: the essential set, apt,
iproute2 and vim-tiny, without recommended packages. The tools take turns, run by run. "Cold" is an empty store
and no lock, so resolving and fetching count; "store and lock" has the packages at hand and installs them;
"finished layers" has the tree at hand too. mmdebstrap and KIWI always fetch.

Left to themselves both bring `usrmerge`, and with it perl: 107 packages, where Packhouse, whose trees are merged
from the start, installs 99. The last line of the first group is mmdebstrap with a hook that spares it those; KIWI
cannot be spared them. Packhouse packs with `xz` at a lower level than KIWI's (6), which costs size and saves time.

The disk is the same system with a kernel, GRUB and an ssh server, as qcow2. "Another overlay file" is a build
after one of the same image, with one file of the overlay changed.

Peak memory is that of the largest process. A ratio is relative to the first line of its group.

Made by `benchmarks/run.py --docs docs/benchmarks.md`; `make bench` measures and prints the same.

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure as asked and write the report."""
    options = _options(argv)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "packhouse-bench"
    base.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    mirrors = Mirrors(env=dict(os.environ))
    try:
        chosen = [case for case in all_cases(work, base, mirrors) if options.only in f"{case.group} {case.name}"]
        facts = report.machine_facts([], base)
        results = _measure(chosen, work, quick=options.quick)
        tools = list(peers.versions(kiwi(base, mirrors)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    facts["tools"] = ", ".join(f"{name} {version}" for name, version in tools)
    finished = report.Report(results, facts)
    (out / "results.json").write_text(json.dumps(finished.json(), indent=2) + "\n")
    text = finished.markdown()
    print(text)
    if options.docs:
        options.docs.write_text(_DOCS + text)
    return 0


def _measure(chosen: Sequence[Case], work: Path, *, quick: bool) -> tuple[report.Result, ...]:
    samples: dict[str, list[measure.Sample]] = {case.name: [] for case in chosen}
    why: dict[str, str] = {}
    for group in dict.fromkeys(case.group for case in chosen):
        for turn in range(1 if quick else _RUNS[group]):
            for case in (case for case in chosen if case.group == group and case.name not in why):
                try:
                    if turn == 0:
                        case.check()
                    sample = case.run(work / "case.log")
                except (measure.CommandFailedError, peers.MissingError) as error:
                    why[case.name] = str(error)
                    print(f"{case.name}: {error}", file=sys.stderr)
                    continue
                samples[case.name].append(sample)
                print(f"{case.name}: {sample.wall:.2f} s", file=sys.stderr, flush=True)
    return tuple(report.Result(case, tuple(samples[case.name]), why.get(case.name, "")) for case in chosen)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each case")
    parser.add_argument("--only", default="", metavar="NAME", help="only cases whose group or name has this in it")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="folder of results.json")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the page of the documentation too")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
