"""`python -m tests.faults.controls [name ...]`: do the tests fail without what they test?

Each control is a pytest of its own.  First the covering tests run with everything in place and
must pass, so that a broken machine proves nothing.  The exit code is 0 only if every test failed
that should.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.controls import CONTROLS

ROOT = Path(__file__).resolve().parents[3]
WITHIN_S = 600
PASSED, FAILED, BROKEN = "passes", "fails", "broken"


def main(wanted: Sequence[str]) -> int:
    unknown = set(wanted) - CONTROLS.keys()
    if unknown:
        _say(f"no control {', '.join(sorted(unknown))}; there are {', '.join(CONTROLS)}")
        return 2
    chosen = [name for name in CONTROLS if not wanted or name in wanted]
    with tempfile.TemporaryDirectory(prefix="cellshop-controls-") as folder:
        as_it_should = _all_in_place(chosen, Path(folder))
        for name in chosen:
            as_it_should &= _without(name, Path(folder))
    _say("every control failed its tests" if as_it_should else "NOT every control did")
    return 0 if as_it_should else 1


def _all_in_place(names: Sequence[str], folder: Path) -> bool:
    tests = [test for name in names for test in CONTROLS[name].tests]
    ended = _run(tests, [], folder / "all.xml")
    return _tell("with everything in place", tests, ended, wanted=PASSED)


def _without(name: str, folder: Path) -> bool:
    control = CONTROLS[name]
    plugin = ["-p", "tests.faults.controls.without", f"--without={name}"]
    ended = _run(control.tests, plugin, folder / f"{name}.xml")
    return _tell(f"without {control.words}", control.tests, ended, wanted=FAILED)


def _tell(what: str, tests: Sequence[str], ended: Mapping[str, set[str]], *, wanted: str) -> bool:
    _say(what)
    good = True
    for test in tests:
        name = test.rsplit("::", 1)[-1]
        how = ended.get(name) or {BROKEN}
        good &= how == {wanted}
        mark = "" if how == {wanted} else f"   EXPECTED: {wanted}"
        _say(f"  {' and '.join(sorted(how)):8} {name}{mark}")
    return good


def _run(tests: Sequence[str], options: Sequence[str], report: Path) -> Mapping[str, set[str]]:
    """How each test ended in its call, by its name without parameters."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", f"--junit-xml={report}"]
    subprocess.run(
        [*command, *options, *tests],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=WITHIN_S,
        check=False,
    )
    cases = ET.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314  ours
    ended: dict[str, set[str]] = {}
    for case in cases:
        if (how := _end_of(case)) is not None:
            ended.setdefault(case.attrib["name"].split("[")[0], set()).add(how)
    return ended


def _end_of(case: ET.Element) -> str | None:
    """None for what came after the test; an error before it proves nothing."""
    words = {child.tag: child.attrib.get("message", "") for child in case}
    if "failure" in words:
        return FAILED
    if words.get("error", "").startswith("failed on teardown"):
        return None
    return BROKEN if "error" in words or "skipped" in words else PASSED


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
