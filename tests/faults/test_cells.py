"""Cells that must not be charged: refused before any current, tripped while it flows (row 31)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.clock import wall_now
from tests.faults.balancing import QUICK, balancing, running
from tests.faults.guarded import guarded
from tests.faults.matrix import Trial
from tests.stations.sim.harness import cell


@pytest.mark.fault("31", "before any current", trials=2)
@pytest.mark.parametrize("fault", ["open_lead", "dead_cell", "other_cell"])
def test_a_cell_that_reads_wrong_is_refused_before_any_current(
    tmp_path: Path, trial: Trial, fault: str
) -> None:
    with guarded(tmp_path, timing=QUICK) as bench:
        bench.sim.hands.fault("scanner", fault)
        with running(bench) as outcome:
            ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("fault")[0]["fault"] == fault)
        assert (ended.kind, ended.reason[:12]) == ("REFUSED", "Cell 2 reads")
        assert bench.sim.truth("relay") == []


@pytest.mark.fault("31", "a reversed cell", trials=5)
def test_a_reversed_cell_is_refused_before_any_current(tmp_path: Path, trial: Trial) -> None:
    cells = [cell(), cell(reversed=True), cell(), cell()]
    with guarded(tmp_path, timing=QUICK, cells=cells) as bench, running(bench) as outcome:
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.hands.state()["cells"][1]["voltage_v"] < -3)
        assert (ended.kind, "reversed" in ended.reason) == ("REFUSED", True)
        assert bench.sim.truth("relay") == []


@pytest.mark.fault("31", "while it is charged", trials=2, limit_s=2.0)
@pytest.mark.parametrize(
    ("role", "fault", "words"),
    [
        ("scanner", "open_lead", "cell 2 at"),
        ("scanner", "dead_cell", "cell 2 at"),
        ("scanner", "other_cell", "cell 2 at"),
        ("meter", "no_contact", "bank at"),
    ],
)
def test_a_cell_or_bank_outside_its_limits_trips(
    tmp_path: Path, trial: Trial, role: str, fault: str, words: str
) -> None:
    with guarded(tmp_path, timing=QUICK) as bench, balancing(bench) as outcome:
        broken = wall_now()
        bench.sim.hands.fault(role, fault)
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("fault")[-1]["fault"] == fault)
        trial.off_after(bench.off_since(broken))
        assert (ended.kind, words in ended.reason) == ("TRIPPED", True), ended.reason
