"""B14: what a hold sees while little current flows, where a fault looks like the end of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stations.bench import BenchError
from stations.model.bank import Bank
from stations.procedures import resume
from stations.procedures.actions import Outcome, Set
from stations.procedures.decide import decide
from stations.procedures.pack_recovery import HELD
from stations.procedures.state import Run
from stations.runner import begun, run
from stations.values import BmsSeen, Event, Reading
from stations.virtual import STARTED_AT, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.test_pack_recovery import CONNECTED, made, pack_of
from tests.stations.test_virtual import record

HOURS = 3600.0
QUICK: dict[str, Any] = {"hold_h": 3.0, "again_h": 0.2, "cycle_share": 0.02}


class Broken(VirtualBench):
    """A bench on which something happens to the pack, so long after the hold has begun."""

    def __init__(self, bank: Bank, after_s: float, happens: Callable[[Bank], None]) -> None:
        super().__init__(
            bank, person=CONNECTED, sample_s=2.0, instruments=Instruments(has_scanner=False)
        )
        self._after, self._happens = timedelta(seconds=after_s), happens
        self.happened_at = STARTED_AT

    def next(self) -> Reading | Event:
        held = [at for at, kind, data in self.notes if kind == "step" and data["name"] == HELD]
        if held and self.happened_at == STARTED_AT and self.clock.now() - held[0] > self._after:
            self._happens(self.bank)
            self.happened_at = self.clock.now()
        return super().next()


def a_lead_falls_off(bank: Bank) -> None:
    bank.fed = False


def the_bms_opens(bank: Bank) -> None:
    assert bank.bms is not None
    bank.bms = replace(bank.bms, told_open=True)


def held(
    happens: Callable[[Bank], None], *, cells: int = 4, after_s: float = 1.2 * HOURS
) -> tuple[Outcome, timedelta]:
    """How it ended, and how long after what happened."""
    bench = Broken(pack_of([0.96] * cells), after_s, happens)
    outcome = run(begun(made(cells, **QUICK), bench.clock.now()), bench)
    assert not bench.output_on
    return outcome, bench.clock.now() - bench.happened_at


@pytest.mark.parametrize("cells", [4, 16])
def test_a_lead_that_falls_off_in_the_hold_is_seen_while_little_current_flows(cells: int) -> None:
    outcome, after = held(a_lead_falls_off, cells=cells)

    assert (outcome.kind, "a lead is off" in outcome.reason) == ("ERROR", True), outcome.reason
    assert after < timedelta(minutes=15)
    assert record(outcome, HELD).remarks[0] == "cut short"


def test_time_does_not_count_as_held_while_the_bms_is_open() -> None:
    """It is shut out: nothing holds the pack, and nobody waits for it for ever."""
    outcome, after = held(the_bms_opens)

    assert (outcome.kind, "has not closed" in outcome.reason) == ("ERROR", True), outcome.reason
    assert after < timedelta(minutes=31)


def test_time_goes_on_from_where_it_stood_once_the_bms_has_closed() -> None:
    class Closing(Broken):
        def next(self) -> Reading | Event:
            opened_for = self.clock.now() - self.happened_at
            if self.bank.bms is not None and timedelta(minutes=20) < opened_for < timedelta(
                hours=1
            ):
                self.bank.bms = replace(self.bank.bms, told_open=False)
            return super().next()

    never = Broken(pack_of([0.96] * 4), 100 * HOURS, the_bms_opens)
    whole = run(begun(made(**QUICK), never.clock.now()), never)
    bench = Closing(pack_of([0.96] * 4), 1.2 * HOURS, the_bms_opens)
    outcome = run(begun(made(**QUICK), bench.clock.now()), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    longer = _lasted(outcome) - _lasted(whole)
    assert timedelta(minutes=19) < longer < timedelta(minutes=22)


def _lasted(outcome: Outcome) -> timedelta:
    hold = record(outcome, HELD)
    return hold.ended_at - hold.entered_at


def test_a_set_point_below_the_string_is_led_no_further_down() -> None:
    """A full cell that falls slowly by itself would lead it down for ever, and the hold with it."""
    program = made(16)
    hold = next(i for i, step in enumerate(program.steps) if step.name == HELD)
    now = Run(program, STARTED_AT, step_index=hold, step_entered_at=STARTED_AT)
    lowest_v = 58.4
    for second in range(1, 3000):
        at = STARTED_AT + timedelta(seconds=second)
        reading = Reading(
            seq=second,
            at=at,
            received_at=at,
            age_s=0.1,
            output_on=True,
            voltage_v=58.0,
            supply_voltage_v=min(58.0, lowest_v),
            supply_current_a=0.0,
            cell_voltages_v=(3.652, *[(58.0 - 3.652) / 15] * 15),
            temperature_c=25.0,
            regulation="CV",
            flags=frozenset(),
            bms=BmsSeen(False, frozenset(), 3.70, "JBD-1"),
        )
        now, action = decide(now, reading, at)
        if isinstance(action, Set):
            lowest_v = action.setpoint.voltage_v
            assert round(lowest_v / 0.01, 6) == round(lowest_v / 0.01)

    assert 57.0 < lowest_v < 57.9


def test_a_cell_below_what_the_guardian_bears_is_refused_and_no_trip() -> None:
    bank = pack_of([0.60, 0.0, 0.60, 0.60])
    bench = VirtualBench(bank, person=CONNECTED, instruments=Instruments(has_scanner=False))
    assert 2.50 <= min(bank.solve(None).cell_v) < 2.60

    outcome = run(begun(made(), bench.clock.now()), bench)

    assert outcome.kind == "REFUSED", outcome.reason


class Killed(VirtualBench):
    """A bench whose worker dies once in each named step, so long after its beginning."""

    def __init__(self, bank: Bank, kills: dict[str, float]) -> None:
        super().__init__(
            bank, person=CONNECTED, sample_s=2.0, instruments=Instruments(has_scanner=False)
        )
        self._kills = kills

    def next(self) -> Reading | Event:
        at, name = [(at, data["name"]) for at, kind, data in self.notes if kind == "step"][-1]
        if (self.clock.now() - at).total_seconds() > self._kills.get(name, 100 * HOURS):
            del self._kills[name]
            raise BenchError("the worker was lost")
        return super().next()


def test_time_held_and_charge_given_count_over_a_killed_worker() -> None:
    """F4: it goes on from its look at the string, and not from the beginning."""
    bench = Killed(pack_of([0.96] * 4), {HELD: 3000.0, "cycle": 900.0})
    state = begun(made(hold_h=2.0, again_h=0.2, cycle_share=0.2), bench.clock.now())
    came_back = []
    for attempt in (1, 2, 3):
        outcome = run(state, bench)
        assert not bench.output_on
        if outcome.kind == "FINISHED":
            break
        stopped = bench.off()
        bench.clock.push(300.0)
        assert resume.problems(outcome.run, attempt=attempt, gap=timedelta(minutes=5)) == []
        at = bench.clock.now()
        state = resume.resumed(outcome.run, at=at, stopped=stopped, reason="the worker was lost")
        came_back.append(state.step.name)

    assert (outcome.kind, came_back) == ("FINISHED", ["string", "string-full"]), outcome.reason
    assert outcome.run.drawn_ah == pytest.approx(20.0, abs=0.05)
    assert dict(record(outcome, "cycle").facts)["drawn_ah"] == pytest.approx(20.0, abs=0.05)
    assert _lasted(outcome) < timedelta(hours=1.8)  # 25 min had been held before
