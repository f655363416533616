"""F7: what is bolted on is torqued, comes off again, and counts; what was measured stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures.actions import Finish, Hold, Outcome
from stations.procedures.check import problems
from stations.procedures.decide import decide
from stations.procedures.handling import UNSAID, handled, per_cell
from stations.procedures.progress import confirm
from stations.procedures.steps import Instruct, Program
from stations.replay import replay
from stations.runner import begun, run
from stations.values import Ratings
from stations.virtual import Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures import (
    test_levelling,
    test_pack_recovery,
    test_resistance,
    test_series_precharge,
    test_single_cells,
    test_step_pause,
    test_unseen_precharge,
)
from tests.stations.procedures.scripted import (
    LOAD,
    METER,
    SCANNER,
    SUPPLY,
    program,
    reading,
    run_at,
)
from tests.stations.procedures.test_emptying_plans import bottom, capacity
from tests.stations.test_replay import Journalled

CONNECT = Act("connect", 60.0, hands="join")
PROGRAMS = {
    "parallel": program(),
    "step and pause": test_step_pause.made(),
    "levelling": test_levelling.made(),
    "cell by cell": test_single_cells.made(),
    "bottom balance": bottom(2),
    "capacity": capacity(),
    "resistance": test_resistance.made(),
    "series": test_series_precharge.made(),
    "series, not seen": test_unseen_precharge.made(),
    "series, read by hand": test_unseen_precharge.made(reads=True),
    "recovery": test_pack_recovery.made(),
}


def asked(made: Program) -> list[Instruct]:
    return [step for step in made.steps if isinstance(step, Instruct)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_nuts_are_turned_once_on_and_once_off(name: str) -> None:
    assert per_cell(PROGRAMS[name]) == 2


def test_a_night_in_parallel_before_a_string_turns_them_twice_more() -> None:
    made = test_series_precharge.made(parallel_rest_h=12.0)

    assert [step.name for step in asked(made)] == ["join", "part", "assemble", "unlink"]
    assert per_cell(made) == 4


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_nut_that_goes_on_is_torqued_and_that_is_confirmed(name: str) -> None:
    put_on = [s for s in asked(PROGRAMS[name]) if s.name.split("-")[0] in ("connect", "assemble")]

    assert put_on
    for step in put_on:
        assert "Torque each nut as the cell's datasheet says." in step.text
        assert "nuts torqued" in step.confirm


def test_the_leads_come_off_a_cell_before_they_go_on_the_next() -> None:
    names = [s.name for s in bottom(2).steps if isinstance(s, Instruct)]

    assert names == ["connect-1", "unlink-1", "connect-2", "unlink-2"]
    assert handled("unlink-2", [1, 2]) == [2]
    assert bottom(2).steps[-2].name == "compare"  # judged before anybody is waited for


def test_what_takes_off_before_all_is_measured_does_not_pass_the_dry_run() -> None:
    made = capacity()
    early = Program(
        **{f: getattr(made, f) for f in made.__dataclass_fields__ if f != "steps"},
        steps=(*made.steps[:-2], made.steps[-1]),
    )
    ratings = Ratings(SUPPLY, METER, SCANNER, LOAD)

    assert problems(made, ratings) == []
    assert "The program does not end with a measurement of every cell." in problems(early, ratings)


def cell_bench(*person: Act) -> VirtualBench:
    bank = Bank([cell_of(200.0)], Wiring(), soc=[0.5], linked=False, fed=False)
    instruments = Instruments(meter_resolution_v=1e-5, noise_v=5e-6)
    return VirtualBench(bank, person=(CONNECT, *person), instruments=instruments)


def pulsed(*person: Act, wait_max_s: float = 600.0) -> Outcome:
    bench = cell_bench(*person)
    made = test_resistance.made(rest_s=60.0, wait_max_s=wait_max_s)
    return run(begun(made, bench.clock.now()), bench)


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ((), f"done; {UNSAID}"),
        ((Act("unlink", 30.0, says="stop"),), f"done; {UNSAID}; a person asked for a stop"),
        ((Act("unlink", 30.0, hands="part"),), "done"),
    ],
)
def test_what_was_measured_stands_whatever_becomes_of_the_leads(
    person: tuple[Act, ...], reason: str
) -> None:
    """F4: nobody came in time, or somebody stopped there: the test is no worse for it."""
    outcome = pulsed(*person)

    assert (outcome.kind, outcome.reason) == ("FINISHED", reason)
    assert [r.kind for r in outcome.run.records][-3:] == ["pulse", "rest", "instruct"]


def test_a_stop_before_that_is_a_stop() -> None:
    outcome = pulsed(Act("rest-after", 5.0, says="stop"))

    assert outcome.kind == "STOPPED"


def test_a_bench_that_is_lost_while_leads_come_off_leaves_a_whole_test() -> None:
    """F4: the journal says that all was measured; nothing is energised again for it."""
    made, inner = test_resistance.made(rest_s=60.0), cell_bench()
    whole = Journalled(inner)
    whole.lives = 250  # of readings: the leads are waited for from about the 200th on

    lost = run(begun(made, whole.opened_at), whole)
    known = replay(made, [whole.journal(lost)])

    assert lost.run.step.name == "unlink"
    assert lost.kind == "INTERRUPTED"
    assert known.outcome.kind == "FINISHED"
    assert known.outcome.reason.startswith(f"done; {UNSAID}")


def test_a_bms_that_comes_off_with_its_string_keeps_nobody_waiting() -> None:
    state = run_at("unlink", test_series_precharge.made())
    silent = reading(5.0, flags=frozenset({"bms_silent", "meter_invalid"}), cell_voltages_v=())

    _, waits = decide(state, silent, silent.at)
    _, done = decide(confirm(state, "unlink"), silent, silent.at)

    assert isinstance(waits, Hold)
    assert isinstance(done, Finish)


def test_other_steps_wait_for_readings_without_doubt() -> None:
    state = run_at("part", test_series_precharge.made(parallel_rest_h=12.0))
    silent = reading(5.0, flags=frozenset({"meter_silent"}))

    _, action = decide(confirm(state, "part"), silent, silent.at + timedelta(seconds=1))

    assert isinstance(action, Hold)
