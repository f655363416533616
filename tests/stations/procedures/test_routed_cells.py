"""B12 with a router: the leads go from cell to cell without a person between them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shop.evidence.rules.balance import cells_of, stopped_of
from stations.bench import BenchError
from stations.plain import from_plain, to_plain
from stations.procedures import handling, single_cells
from stations.procedures.attendance import Span, unattended, waiting
from stations.procedures.check import problems
from stations.procedures.resume import resumed
from stations.procedures.steps import Instruct, Measure, Program, Verify
from stations.replay import replay
from stations.runner import begun, run
from stations.virtual import Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import RATINGS, spec
from tests.stations.procedures.test_single_cells import KilledIn, made, play, table
from tests.stations.test_virtual import record

ONE_ACT = (Act("connect", 300.0), Act("unlink", 120.0))


def routed(cells: int = 3) -> Program:
    return single_cells.program(spec(cells=cells), routed=True)


THREE = Instruments(routes=3)


def bench(routes: int = 3) -> VirtualBench:
    instruments = replace(THREE, routes=routes)
    return VirtualBench(table(), person=ONE_ACT, sample_s=6.0, instruments=instruments)


def test_a_person_is_asked_before_the_first_cell_and_after_the_last_only() -> None:
    asked = [step.name for step in routed().steps if isinstance(step, Instruct)]

    assert asked == ["connect", "unlink"]
    assert handling.per_cell(routed()) == 2
    assert problems(routed(), replace(RATINGS, routes=3)) == []
    assert from_plain(Program, to_plain(routed())) == routed()


def test_every_cell_is_parted_by_the_router_before_it_is_measured() -> None:
    moves = [
        (step.name, step.cell if isinstance(step, Verify) else 0)
        for step in routed(2).steps
        if isinstance(step, Verify | Measure) and step.routed
    ]

    assert moves == [("joined-1", 1), ("disconnect-1", 0), ("joined-2", 2), ("disconnect-2", 0)]


def test_three_cells_are_balanced_each_with_its_own_stop_and_check() -> None:
    outcome = play(bench(), routed())

    assert outcome.kind == "FINISHED", outcome.reason
    checks = [record(outcome, f"disconnect-{cell}").cells[0] for cell in (1, 2, 3)]
    assert [(c.position, c.verdict) for c in checks] == [(1, "pass"), (2, "pass"), (3, "pass")]
    stops = stopped_of(outcome.run.records)
    assert stops[1].at < checks[0].at < stops[2].at < checks[1].at < stops[3].at
    own = cells_of(outcome.run.records)
    assert {figures.completeness for figures in own.values()} == {"COMPLETE"}
    assert [own[n].charge_ah for n in (1, 2, 3)] == pytest.approx([3.8, 1.8, 5.8], abs=0.3)


class Welded(VirtualBench):
    """The contacts of cell 2 stay closed while their relay says that it opened."""

    def route(self, cell: int) -> datetime:
        return super().route(cell or (2 if self.bank.alone == 2 else 0))


def test_contacts_that_have_welded_are_named_before_the_leads_go_on() -> None:
    """The relay reads back open; the meter does not."""
    outcome = play(Welded(table(), person=ONE_ACT, sample_s=6.0, instruments=THREE), routed())

    assert outcome.kind == "ERROR"
    assert "the contacts behind the route of cell 2 have not opened" in outcome.reason
    assert [r.step for r in outcome.run.records if r.cells] == ["rested", "disconnect-1"]


def test_a_run_killed_in_the_second_cell_is_put_on_that_cell_again() -> None:
    """F4: all routes fell open with the session; the check of the cell routes anew."""
    program, virtual = routed(), bench()
    first = KilledIn("balance-2", virtual)
    killed = run(begun(program, first.opened_at), first)
    virtual.off()
    virtual.route(0)
    known = replay(program, [first.journal(killed)])
    again = resumed(
        known.outcome.unclosed, at=virtual.clock.now(), stopped=known.stopped, reason="killed"
    )

    outcome = run(again, virtual)

    assert again.step.name == "joined-2"
    assert outcome.kind == "FINISHED", outcome.reason
    own = cells_of(outcome.run.records)
    assert {cell: f.completeness for cell, f in own.items()} == dict.fromkeys((1, 2, 3), "COMPLETE")


def test_a_wait_that_was_interrupted_has_its_leads_on_the_first_cell_again() -> None:
    """F6: with every route open the meter shows none of the cells that the wait looks at."""
    fitted = replace(THREE, probes=3)
    virtual = VirtualBench(table(), person=ONE_ACT, sample_s=6.0, instruments=fitted)
    began = virtual.clock.now()
    span = Span(began, began + timedelta(hours=3))
    program = waiting(unattended(routed(), timedelta(hours=4)), span)
    first = KilledIn("wait", virtual)
    killed = run(begun(program, first.opened_at), first)
    virtual.route(0)
    known = replay(program, [first.journal(killed)])
    again = resumed(
        known.outcome.unclosed, at=virtual.clock.now(), stopped=known.stopped, reason="killed"
    )

    outcome = run(again, virtual)

    assert again.step.name == "wait"
    assert outcome.kind == "FINISHED", outcome.reason


def test_a_bench_without_enough_routes_is_refused_before_the_start() -> None:
    found = problems(routed(), replace(RATINGS, routes=2))

    assert found == ["The router of this bench has routes to 2 cells, the program is for 3."]
    assert problems(made(), RATINGS) == []


def test_leads_are_not_moved_with_the_output_on() -> None:
    virtual = bench()
    virtual.output_on = True

    with pytest.raises(BenchError, match="output is on"):
        virtual.route(2)


def test_a_router_that_fails_ends_the_run_before_any_current() -> None:
    outcome = play(bench(routes=0), routed())

    assert outcome.kind == "ERROR"
    assert "no route to cell 1" in outcome.reason
    assert outcome.run.charge_ah == 0.0
