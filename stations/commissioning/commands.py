"""`python -m stations identify | measure | check`, as a person at the bench meets them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from stations.bench import BenchError
from stations.clock import guard_s
from stations.commissioning import asking, report
from stations.commissioning.asking import Answered
from stations.commissioning.check import Asked
from stations.commissioning.check import check as commission
from stations.commissioning.figures import CannotCommission
from stations.commissioning.terminal import Terminal, findings, registered, table
from stations.config import load
from stations.guardian.child import NotProvenOff
from stations.guardian.direct import switch_off
from stations.guardian.service import BenchTaken, alone
from stations.guardian_client import GuardianLink

GOOD, NOT_AS_IT_MUST_BE, TAKEN = 0, 1, 3
OFF_PATIENCE_S = 20.0


def identify(path: Path, *, as_json: bool = False) -> int:
    """Ask the instruments; a guardian that runs has asked already and holds the ports."""
    config, lay_out = load(path), registered if as_json else table
    try:
        with alone(config.folder):
            return _show(asking.everybody(config), lay_out)
    except BenchTaken:
        told = asking.told(config, GuardianLink(config.socket).status()["instruments"])
        return _show(told, lay_out)


def measure(path: Path) -> int:
    """Refused while a guardian holds the bench: its readings are in its journal."""
    config = load(path)
    with alone(config.folder):
        found = switch_off(config, until_s=guard_s() + OFF_PATIENCE_S)
        if found.proof is None:
            return _fail(NOT_AS_IT_MUST_BE, found.alarm)
        return _show(asking.one_reading(config))


def check(path: Path, *, target_v: float, large_a: float | None) -> int:
    """0 where the bench passed; the report is written either way."""
    person = Terminal(sys.stdin.fileno())
    try:
        found = commission(path, Asked(target_v, large_a), person)
    except BenchTaken as error:
        return _fail(TAKEN, f"{error}: end its guardian first, then check")
    except (CannotCommission, BenchError, NotProvenOff) as error:
        return _fail(NOT_AS_IT_MUST_BE, error)
    except KeyboardInterrupt:
        return _fail(NOT_AS_IT_MUST_BE, "stopped by hand; the output is proven off")
    written = report.write(load(path).folder, found)
    person.say(findings(found))
    person.say(f"{'passed' if found.passed else 'NOT passed'}: {written}")
    return GOOD if found.passed else NOT_AS_IT_MUST_BE


def _show(answers: Iterable[Answered], lay_out: Callable[[Sequence[Answered]], str] = table) -> int:
    rows = tuple(answers)
    sys.stdout.write(lay_out(rows) + "\n")
    problems = [(row.config.role, row.problem) for row in rows if row.problem]
    for role, problem in problems:
        _fail(NOT_AS_IT_MUST_BE, f"{role}: {problem}")
    return NOT_AS_IT_MUST_BE if problems else GOOD


def _fail(code: int, words: object) -> int:
    sys.stderr.write(f"stations: {words}\n")
    return code
