"""A meter or scanner that says no number, repeats itself, or is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stations.clock import wall_now
from tests.faults.balancing import QUICK, balancing
from tests.faults.guarded import Guarded, guarded, next_event, next_reading
from tests.faults.matrix import Trial

NO_NUMBERS = ("nan", "overload", "no_number", "infinite", "empty", "ovld", "huge", "comma")
CASES = [(role, fault) for role in ("meter", "scanner") for fault in NO_NUMBERS]


@pytest.mark.fault(
    "24",
    "a reply that is no number",
    trials=1,
    limit_s=3.0,
    in_ci=("meter-nan", "meter-overload", "scanner-comma", "supply-all_ones"),
)
@pytest.mark.parametrize(("role", "fault"), [*CASES, ("supply", "all_ones")])
def test_what_is_no_number_is_stored_as_none_and_switches_off(
    tmp_path: Path, trial: Trial, role: str, fault: str
) -> None:
    with guarded(tmp_path) as bench:
        runner = bench.session()
        bench.charge(runner)
        next_reading(runner)

        broken = wall_now()
        bench.sim.hands.fault(role, fault)
        event = next_event(runner)

        bench.wait_off(broken)
        trial.off_after(bench.off_since(broken))
        assert event.kind == "safe_hold"
        assert f"{role}_invalid" in str(event.data["reason"])
        doubtful = [sample for sample in bench.samples() if f"{role}_invalid" in sample["flags"]]
        trial.happened(len(doubtful) >= 2)
        assert {value for sample in doubtful for value in values(sample, role)} == {None}
        assert all(2.5 < value < 4.0 for value in stored(bench, role) if value is not None)


def values(sample: Any, role: str) -> list[float | None]:
    if role == "scanner":
        return list(sample["cell_voltages_v"])
    return [sample["voltage_v" if role == "meter" else "supply_voltage_v"]]


def stored(bench: Guarded, role: str) -> list[float | None]:
    """The voltages that are in the journal, from all its samples with the output on."""
    on = [sample for sample in bench.samples() if sample["output_on"]]
    return [value for sample in on for value in values(sample, role)]


@pytest.mark.fault("25", "a meter or scanner that repeats itself", trials=3, limit_s=60.0)
@pytest.mark.parametrize("role", ["meter", "scanner"])
def test_an_instrument_that_repeats_itself_ends_the_run_as_an_error(
    tmp_path: Path, trial: Trial, role: str
) -> None:
    with guarded(tmp_path, timing=QUICK) as bench, balancing(bench) as outcome:
        broken = wall_now()
        bench.sim.hands.fault(role, "stuck")
        ended = outcome.result(timeout=60)

        replies = [r["raw"] for r in bench.sim.truth("reply") if r["instrument"] == role]
        trial.happened(len(set(replies[-10:])) < len(replies[-10:]))
        trial.off_after(bench.off_since(broken))
        assert (ended.kind, f"{role}_stuck" in ended.reason) == ("ERROR", True)


@pytest.mark.fault("26", "the meter is wrong, the others are right", trials=2, limit_s=3.0)
@pytest.mark.parametrize("fault", ["wrong_cell", "offset", "drift"])
def test_a_meter_that_supply_and_cells_contradict_ends_the_run_as_an_error(
    tmp_path: Path, trial: Trial, fault: str
) -> None:
    with guarded(tmp_path, timing=QUICK) as bench, balancing(bench) as outcome:
        broken = wall_now()
        bench.sim.hands.fault("meter", fault)
        ended = outcome.result(timeout=30)

        trial.happened(bench.sim.truth("fault")[-1]["fault"] == fault)
        trial.off_after(bench.off_since(broken))
        assert (ended.kind, "disagree" in ended.reason) == ("ERROR", True)
        assert bench.journal()[-1].body["outcome"]["kind"] == "ERROR"
