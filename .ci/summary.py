"""Sum up the JUnit reports in a directory: what was not run, and why; then one line of totals.

Exit code 1 if a report is missing for an environment that runs pytest, or holds a failure.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]


def expected() -> set[str]:
    """The environments of tox.ini that write a report."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    names = [name.strip() for name in tox["tox"]["env_list"].split(",")]
    usual = tox["testenv"]["commands"]
    return {name for name in names if "--junitxml" in tox.get(f"testenv:{name}", "commands", fallback=usual)}


def main(directory: Path) -> int:
    """Print the summary and return the exit code."""
    totals: Counter[str] = Counter()
    skips: dict[str, set[str]] = defaultdict(set)
    reports = {path.stem: path for path in sorted(directory.glob("*.xml"))}
    missing = sorted(expected() - set(reports))
    for name, path in reports.items():
        for case in ElementTree.parse(path).iter("testcase"):
            outcome = "passed"
            for kind in ("failure", "error", "skipped"):
                if (found := case.find(kind)) is not None:
                    outcome = "skipped" if kind == "skipped" else "failed"
                    if kind == "skipped":
                        where = f"{name}: {case.get('classname', '')}"
                        skips[found.get("message") or "no reason given"].add(where)
            totals[outcome] += 1
    print("\nNot run, and why")
    for reason, where in sorted(skips.items()):
        print(f"  {reason}")
        for each in sorted(where):
            print(f"    {each}")
    for name in missing:
        print(f"  {name}: the environment left no report, so it did not get as far as its tests; see above")
    if not skips and not missing:
        print("  nothing: everything was run")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if missing or totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
