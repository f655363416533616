"""A router between leads and cells: the output is never on two of them, whatever its relays do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stations.bench import BenchError
from stations.clock import guard_s
from stations.guardian.router import HOLD_S
from stations.guardian_client import GuardianBench
from stations.procedures.led import OPEN_MAX_V
from stations.sim.folder import Folder
from stations.values import Reading
from tests.faults.guarded import PROTECTION, SETPOINT, Guarded, guarded, next_event, next_reading
from tests.stations.lab.test_run import ORDER, QUICK, running, said_until, type_yes
from tests.stations.sim.harness import SimulatedBench, cell, simulated_bench

FOLDER = Folder(cells=[cell(soc=0.95)] * 4, wiring={"lead_ohm": 0.005}, relay=True, router=True)


@contextmanager
def routed(path: Path) -> Iterator[tuple[Guarded, GuardianBench]]:
    """Leads and meter on cell 1 by the router, output off; at the end, never on two cells."""
    with guarded(path, folder=FOLDER) as bench:
        runner = bench.session()
        runner.route(1)
        yield bench, runner
    assert never_on_two(bench.sim)


def never_on_two(sim: SimulatedBench) -> bool:
    return all(len(record["cells"]) < 2 for record in sim.truth("routes"))


def routes(sim: SimulatedBench) -> list[list[int]]:
    return [record["cells"] for record in sim.truth("routes")]


def charge(runner: GuardianBench) -> None:
    runner.configure(SETPOINT, PROTECTION)
    runner.energise()


def test_the_leads_go_from_cell_to_cell_with_none_in_between(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        charge(runner)
        assert bench.sim.hands.state()["alone"] == 1
        assert bench.sim.hands.state()["cells"][0]["current_a"] > 1.0
        runner.off()
        runner.route(3)
        assert bench.sim.hands.state()["alone"] == 3
        runner.close(kind="STOPPED", reason="a test")

        assert routes(bench.sim) == [[1], [], [3], []]
        assert [event["data"] for event in bench.events("routed")] == [{"cell": 1}, {"cell": 3}]
        assert bench.events("routes_open")


@pytest.mark.parametrize(("cell", "words"), [(5, "no route to cell 5"), (-1, "no route to cell")])
def test_a_cell_that_has_no_route_is_refused(tmp_path: Path, cell: int, words: str) -> None:
    with routed(tmp_path) as (bench, runner):
        with pytest.raises(BenchError, match=words):
            runner.route(cell)

        assert routes(bench.sim) == [[1]]


def test_leads_are_not_moved_while_the_output_is_on(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        charge(runner)

        with pytest.raises(BenchError, match="proven off before the leads are moved"):
            runner.route(2)

        assert routes(bench.sim) == [[1]]
        assert bench.sim.output_is_on()


def test_an_overtaken_runner_moves_nothing(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        bench.session()

        with pytest.raises(BenchError):
            runner.route(2)

        assert routes(bench.sim) == [[1], []]


def test_a_set_up_does_not_outlive_a_move(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        runner.configure(SETPOINT, PROTECTION)
        runner.route(2)

        with pytest.raises(BenchError, match="configure"):
            runner.energise()

        assert not bench.sim.output_is_on()


def test_a_bench_without_a_router_says_so(tmp_path: Path) -> None:
    with guarded(tmp_path) as bench, pytest.raises(BenchError, match="has no router"):
        bench.session().route(1)


def test_a_route_that_stays_closed_ends_the_session_and_is_named(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        bench.sim.hands.fault("router", "stuck_closed")

        with pytest.raises(BenchError, match="reads back the route of cell 1"):
            runner.route(2)

        assert next_event(runner).kind == "safe_hold"
        runner.close(kind="ERROR", reason="a test")
        assert routes(bench.sim) == [[1]]
        assert not bench.sim.output_is_on()
        assert "not seen open" in bench.events("alarm")[-1]["data"]["words"]
        with pytest.raises(BenchError, match=r"router: .* reads back the route of cell 1"):
            bench.session()


def test_the_meter_shows_contacts_that_have_welded_and_no_open_ones(tmp_path: Path) -> None:
    """What reads back is the relay; the program judges the meter before it moves on."""
    with routed(tmp_path) as (bench, runner):
        runner.route(0)
        assert abs(settled(runner).voltage_v) < OPEN_MAX_V
        runner.route(1)
        bench.sim.hands.fault("router", "welded")

        runner.route(0)

        assert settled(runner).voltage_v > 3.0


def settled(runner: GuardianBench) -> Reading:
    """The second next: the next may have begun before the relays moved."""
    next_reading(runner)
    return next_reading(runner)


def test_a_route_that_does_not_close_ends_the_session_and_is_named(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        runner.route(0)
        bench.sim.hands.fault("router", "stuck_open")

        with pytest.raises(BenchError, match="told the route of cell 2 and reads back every"):
            runner.route(2)

        assert next_event(runner).kind == "safe_hold"
        assert not bench.sim.output_is_on()


@pytest.mark.parametrize("fault", ["silence", "mute", "garbage"])
def test_a_router_that_cannot_be_asked_lets_no_output_on(tmp_path: Path, fault: str) -> None:
    with routed(tmp_path) as (bench, runner):
        runner.configure(SETPOINT, PROTECTION)
        bench.sim.hands.fault("router", fault)

        with pytest.raises(BenchError, match="energise"):
            runner.energise()

        assert not bench.sim.output_is_on()
        assert next_event(runner).kind == "safe_hold"


def test_a_router_that_falls_silent_in_a_charge_ends_it(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        charge(runner)
        next_reading(runner)
        bench.sim.hands.fault("router", "silence")

        event = next_event(runner)

        assert event.kind == "safe_hold"
        assert "the route to cell 1 is not held" in event.data["reason"]
        assert not bench.sim.output_is_on()


def test_a_route_that_fell_open_while_the_meter_was_silent_says_so(tmp_path: Path) -> None:
    """F6: the output is off, as in a wait; a route is held by good readings alone."""
    with routed(tmp_path) as (bench, runner):
        next_reading(runner)
        bench.sim.hands.fault("meter", "silence")
        late_s = guard_s() + HOLD_S + 15
        while routes(bench.sim) != [[1], []] and guard_s() < late_s:
            next_reading(runner)
        bench.sim.hands.fault("meter", "none")

        event = next_event(runner)

        assert event.kind == "safe_hold"
        assert "the route to cell 1 is not held" in event.data["reason"]
        assert "reads back every route open; it falls open after 60 s" in event.data["reason"]
        assert "(meter_silent), and was last held" in event.data["reason"]
        runner.close(kind="ERROR", reason="a test")


def test_a_move_that_nobody_hears_is_never_taken_for_done(tmp_path: Path) -> None:
    with routed(tmp_path) as (bench, runner):
        bench.sim.hands.fault("router", "silence")

        with pytest.raises(BenchError, match="route"):
            runner.route(2)

        assert next_event(runner).kind == "safe_hold"
        assert routes(bench.sim) == [[1]]
        bench.heal()
        runner.close(kind="ERROR", reason="a test")
        assert routes(bench.sim) == [[1], []]


def answers(process: subprocess.Popen[str], until: str) -> None:
    said_until(process, until)
    type_yes(process)


def test_four_cells_are_balanced_alone_and_a_person_acts_twice(tmp_path: Path) -> None:
    """B12: from the program over driver and guardian to the record, no hands between the cells."""
    folder = Folder(cells=[cell(soc=0.985)] * 4, timing=QUICK, relay=True, router=True)
    with simulated_bench(tmp_path, folder=folder) as sim:
        order = ORDER.replace("parallel top balance", "individual top balance")
        (sim.path / "order.toml").write_text(order)
        with running(sim) as process:
            answers(process, "Type yes to begin: ")
            answers(process, "checked? Type yes: ")
            answers(process, "leads are off? Type yes: ")
            assert process.stdout is not None
            told = process.stdout.read()
            assert process.wait(timeout=30) == 0, told

        moved = routes(sim)
        assert moved == [[1], [], [2], [], [3], [], [4], []]
        assert not [record for record in sim.truth("hands") if "leads" in record]
        assert min(z["soc"] for z in sim.hands.state()["cells"]) > 0.99
