"""The fault matrix: one test per row, its trials, and the table that `make faults` prints.

    @pytest.mark.fault("2", "kill -9 of the runner in the CV hold", trials=5, limit_s=5.0)
    def test_kill_9_of_the_runner_switches_off(tmp_path: Path, trial: Trial) -> None:
        ...
        trial.happened(runner.poll() == -9)  # the fault was there: without this a trial fails
        trial.off_after(bench.off_since(killed))  # seconds from the fault to off, by the truth log

In CI each test is tried once; with --all-trials as often as its row says: at least 20 times
where a trial takes under 3 s, 5 times under 15 s, else once.  One that takes long, and beside
which CI has its like, says `in_ci=False`, or names the few of its cases that CI tries.  What
cannot be produced here is in `tests/faults/not_here.py`, beside the nearest that can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from tests.faults.not_here import NOT_HERE

PROPERTY = "fault"
HEAD = ("row", "fault", "trials", "failures", "worst, s", "limit, s")


@dataclass
class Trial:
    """What one trial of a fault has shown."""

    limit_s: float
    times: int = 1  # more where one test tries the fault often by itself
    proofs: int = 0
    offs: list[float] = field(default_factory=list)

    def happened(self, proof: object) -> None:
        """The fault itself, seen by the truth log, the database or the process table."""
        assert proof, "the fault did not happen, so nothing was tested"
        self.proofs += 1

    def off_after(self, seconds: float) -> None:
        """Seconds of wall time from the fault to what the row's limit is for, as measured."""
        self.offs.append(seconds)
        assert 0 <= seconds <= self.limit_s, f"{seconds:.2f} s, above {self.limit_s} s"


@dataclass
class Row:
    """One line of the table, over all trials."""

    number: str
    words: str
    limit_s: float
    trials: int = 0
    failures: int = 0
    worst_s: float = -math.inf

    def cells(self) -> tuple[str, ...]:
        worst = f"{self.worst_s:.2f}" if math.isfinite(self.worst_s) else "–"
        limit = f"{self.limit_s:g}" if math.isfinite(self.limit_s) else "–"
        return (self.number, self.words, str(self.trials), str(self.failures), worst, limit)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-trials", action="store_true", help="try each fault as often as it says")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "fault(row, words, trials, limit_s, in_ci): a row of the fault matrix, for `make faults`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("fault")
    if mark is None:
        return
    trials = int(mark.kwargs["trials"]) if metafunc.config.getoption("all_trials") else 1
    metafunc.parametrize("trial", range(1, trials + 1), indirect=True, ids=lambda n: f"trial{n}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("all_trials"):
        return
    left = [item for item in items if _only_in_full(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _only_in_full(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("fault")
    in_ci = mark.kwargs.get("in_ci", True) if mark is not None else True
    if isinstance(in_ci, bool):
        return not in_ci
    return not any(f"-{case}]" in item.name for case in in_ci)


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Iterator[Trial]:
    """This trial's account; it goes into the table however the test ends."""
    mark = request.node.get_closest_marker("fault")
    number, words = mark.args
    account = Trial(limit_s=float(mark.kwargs.get("limit_s", math.inf)))
    try:
        yield account
        assert account.proofs, "no proof that the fault happened: call trial.happened"
        assert account.offs or math.isinf(account.limit_s), "a limit, and nothing was measured"
    finally:
        told = {"row": number, "words": words, **asdict(account)}
        request.node.user_properties.append((PROPERTY, told))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.getoption("all_trials"):
        return
    rows = _rows([report for kind in terminalreporter.stats.values() for report in kind])
    terminalreporter.section("fault matrix")
    table = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for line in table:
        terminalreporter.write_line(_line(line, widths))
    for number, (words, nearest) in sorted(NOT_HERE.items(), key=lambda item: _order(item[0])):
        terminalreporter.write_line(f"{number}: not here: {words}; nearest: {nearest}")


def _rows(reports: Sequence[Any]) -> list[Row]:
    """A trial failed when any of its phases did; its account stands in the teardown's report."""
    failed = {r.nodeid for r in reports if getattr(r, "failed", False)}
    rows: dict[tuple[str, str], Row] = {}
    for report in reports:
        if getattr(report, "when", "") != "teardown":
            continue
        for name, told in report.user_properties:
            if name == PROPERTY:
                key = (told["row"], told["words"])
                row = rows.setdefault(key, Row(*key, told["limit_s"]))
                row.trials += told["times"]
                row.failures += report.nodeid in failed
                row.worst_s = max([row.worst_s, *told["offs"]])
    return sorted(rows.values(), key=lambda row: (_order(row.number), row.words))


def _order(number: str) -> tuple[int, str]:
    digits, letters = re.fullmatch(r"(\d+)(.*)", number).groups()  # type: ignore[union-attr]
    return int(digits), letters


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths, strict=False)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right])
