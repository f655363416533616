"""Each fault of the bench ends safe and is named for what it is, in a technician's words (F5, B6).

One row a fault.  What comes over the wire is played on the simulated bench, by driver, guardian
and runner; what is in cells and copper on the virtual one, where the wire adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api import words
from stations.bench import BenchError
from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of
from stations.plain import from_plain
from stations.planner.looks import charge_looks
from stations.procedures.steps import Charge
from stations.values import Reading
from tests.faults.balancing import QUICK, balancing, running
from tests.faults.guarded import Guarded, guarded
from tests.faults.test_load import drawing
from tests.faults.test_series import charging, string
from tests.stations.planner.shown import rested_for, seen_from, shown
from tests.stations.procedures.scripted import program
from tests.stations.sim.harness import cell
from tests.wait import wait_until

AH = 100.0
NEARLY_FULL = [cell(soc=0.998)] * 4
Ended = tuple[str, str, bool]  # how, what was said, and whether any output is still on


def reversed_cell(path: Path) -> Ended:
    cells = [cell(), cell(reversed=True), cell(), cell()]
    with guarded(path, timing=QUICK, cells=cells) as bench, running(bench) as outcome:
        ended = outcome.result(timeout=30)
        return ended.kind, words.cause(ended.reason), bench.sim.output_is_on()


def missing_cell(path: Path) -> Ended:
    with guarded(path, timing=QUICK) as bench:
        bench.sim.hands.fault("scanner", "open_lead")
        with running(bench) as outcome:
            ended = outcome.result(timeout=30)
        return ended.kind, words.cause(ended.reason), bench.sim.output_is_on()


def overshooting_supply(path: Path) -> Ended:
    """Trimmed down by the bank meter, it is held below the limit, and alarms."""
    with guarded(path, timing=QUICK, cells=NEARLY_FULL) as bench, balancing(bench) as outcome:
        bench.sim.hands.fault("supply", "overshoot")
        wait_until(lambda: bench.events("alarm"), within_s=30)
        bench.link.stop(reason="a person was alarmed")
        ended = outcome.result(timeout=30)
        return ended.kind, _named(bench), bench.sim.output_is_on()


def _named(bench: Guarded) -> str:
    """By the readings, as the run's page names it."""
    readings = [from_plain(Reading, sample) for sample in bench.samples()]
    charges = [step for step in program().steps if isinstance(step, Charge)]
    looks = charge_looks(
        charges, seen_from(readings), joined=True, rated_ah=200.0, step_at=lambda at: "balance"
    )
    return "; ".join(told for look in looks for told in look.named)


def sticking_meter(path: Path) -> Ended:
    with guarded(path, timing=QUICK) as bench, balancing(bench) as outcome:
        bench.sim.hands.fault("meter", "stuck")
        ended = outcome.result(timeout=60)
        return ended.kind, words.cause(ended.reason), bench.sim.output_is_on()


def load_that_will_not_stop(path: Path) -> Ended:
    with drawing(path, relay=True, timing={"shut_down_s": 1.0}) as (bench, runner):
        bench.sim.hands.fault("load", "refuse_off")
        with pytest.raises(BenchError, match="not proven off"):
            runner.off()
        wait_until(lambda: not bench.sim.output_is_on(), within_s=10)
        wait_until(lambda: "did not obey" in bench.link.status()["alarm"], within_s=10)
        wait_until(lambda: bench.link.status()["contactor"] == "open", within_s=10)
        status = bench.link.status()
        return status["contactor"], status["alarm"], bench.sim.output_is_on()


def mains_off(path: Path) -> Ended:
    with guarded(path, timing=QUICK) as bench, balancing(bench) as outcome:
        bench.sim.hands.fault("supply", "dark")
        ended = outcome.result(timeout=60)
        return ended.kind, words.cause(ended.reason), bench.sim.output_is_on()


def bms_that_opens_early(path: Path) -> Ended:
    with string(path) as bench:
        bench.sim.hands.fault("bms", "opens_early")
        with charging(bench) as outcome:
            ended = outcome.result(timeout=60)
        return ended.kind, words.cause(ended.reason), bench.sim.output_is_on()


def poor_contact(path: Path) -> Ended:
    return _on_the_model(Wiring(contact_ohm=(0.0,) * 4 + (0.010,) + (0.0,) * 3))


def bad_lead(path: Path) -> Ended:
    return _on_the_model(Wiring(lead_ohm=0.041))


def leaky_bank(path: Path) -> Ended:
    """One cell with a short inside, 2.5 A of its own: no tail is ever reached."""
    return _on_the_model(Wiring(), leaks={2: 18.0})


def _on_the_model(wiring: Wiring, leaks: dict[int, float] | None = None) -> Ended:
    one = shown(
        program(cells=8, capacity_ah=AH, cell_r_ohm=0.5e-3, full_rating_allowed=True),
        Bank(_cells(leaks or {}), wiring, soc=(0.96,) * 8, linked=False, fed=False),
        rated_ah=AH,
    )
    return one.outcome.kind, "; ".join((one.outcome.reason, *one.named)), one.bench.output_on


def _cells(leaks: dict[int, float]) -> list[CellParameters]:
    cells = [cell_of(AH)] * 8
    for position, month in leaks.items():
        cells[position - 1] = replace(cells[position - 1], self_discharge_month=month)
    return cells


def leaky_cell(path: Path) -> Ended:
    """A balance hides 30 % a month, a day of rest shows it."""
    one = shown(
        program(cells=8, capacity_ah=AH, cell_r_ohm=0.5e-3, full_rating_allowed=True),
        Bank(_cells({2: 0.30}), Wiring(), soc=(0.96,) * 8, linked=False, fed=False),
        rated_ah=AH,
    )
    assert one.outcome.kind == "FINISHED", one.outcome.reason
    assert "not observable" in one.look("leak").unseen
    named = rested_for(one.bench, timedelta(hours=24)).named
    return one.outcome.kind, "; ".join(named), one.bench.output_on


@pytest.mark.parametrize(
    ("fault", "ends", "named"),
    [
        (reversed_cell, "REFUSED", "Cell 2 reads −3.3"),
        (missing_cell, "REFUSED", "Cell 2 reads 0.000 V: no cell is there"),
        (poor_contact, "FINISHED", "cell 5 hangs on a poor contact"),
        (leaky_cell, "FINISHED", "cell 2 rests at"),
        (leaky_bank, "TRIPPED", "waiting on the leak floor"),
        (bad_lead, "ERROR", "lead 41 mΩ"),
        (overshooting_supply, "STOPPED", "the supply overshoots"),
        (sticking_meter, "ERROR", "the bank meter repeats itself"),
        (load_that_will_not_stop, "open", "the load did not obey OFF"),
        (bms_that_opens_early, "ERROR", "The BMS opened early, it says cell OV: the highest was"),
        (mains_off, "ERROR", "the supply does not answer"),
    ],
)
def test_a_fault_ends_safe_and_is_named(
    tmp_path: Path, fault: Callable[[Path], Ended], ends: str, named: str
) -> None:
    how, said, still_on = fault(tmp_path)

    assert (how, still_on) == (ends, False), said
    assert named in said
