"""A bench without a scanner: a person reads every cell, whole on the cell model and replayed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures import by_hand, recheck
from stations.procedures.actions import Outcome
from stations.procedures.resume import resumed
from stations.replay import replay
from stations.runner import begun, run
from stations.values import OffProof
from stations.virtual import ATTENTIVE, STARTED_AT, Act, VirtualBench, reads_by_hand
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import program
from tests.stations.procedures.test_single_cells import by_turns, made, table
from tests.stations.test_replay import Journalled
from tests.stations.virtual_cells import relaxed_bank

CELLS = (1, 2, 3, 4)
PROGRAM = by_hand.typed_steps(program())
READER = (
    *reads_by_hand("pre-parallel", CELLS, after_s=30.0, each_s=15.0),
    *ATTENTIVE,
    *reads_by_hand("disconnect", (*CELLS, 1), after_s=20.0, each_s=15.0),
)


def bench(person: tuple[Act, ...] = READER) -> VirtualBench:
    cells = Bank([cell_of(200.0)] * 4, Wiring(), soc=[0.95] * 4, linked=False, fed=False)
    unscanned = Instruments(has_scanner=False, meter_resolution_v=1e-4)
    return VirtualBench(cells, person=person, sample_s=12.0, instruments=unscanned)


def test_a_night_without_a_scanner_ends_with_a_check_by_hand() -> None:
    """B7, G6: to the same verdict as a scanner's, each cell with its own age, drift on record."""
    inner = bench()
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    record = outcome.run.records[-1]
    assert (record.step, record.meter) == ("disconnect", "HAND-1")
    assert [cell.verdict for cell in record.cells] == ["pass"] * 4
    ages = [cell.age_s for cell in record.cells]
    assert ages == sorted(ages)
    assert ages[3] - ages[0] == pytest.approx(45.0, abs=2.0)
    assert record.again is not None
    assert record.again.position == 1
    assert record.again.voltage_v <= record.cells[0].voltage_v  # cells relax meanwhile


def test_a_reader_who_comes_too_late_leaves_a_check_that_is_missing() -> None:
    late = reads_by_hand("disconnect", (*CELLS, 1), after_s=700.0, each_s=60.0)
    inner = bench((*READER[:7], *late))
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    verdicts = [cell.verdict for cell in outcome.run.records[-1].cells]
    assert "missing" in verdicts
    assert verdicts[0] == "pass"
    ignored = [note for _, kind, note in inner.notes if kind == "ignored"]
    assert ignored == []  # nobody hears what comes after the end


def test_a_journal_with_typed_figures_comes_to_the_same_records() -> None:
    journalled = Journalled(bench())
    outcome = run(begun(PROGRAM, journalled.opened_at), journalled)

    again = replay(PROGRAM, [journalled.journal(outcome)])

    assert outcome.kind == again.outcome.kind == "FINISHED"
    assert again.outcome.run.records == outcome.run.records


def killed_while_reading() -> tuple[VirtualBench, Journalled, Outcome]:
    """The runner dies after the second cell of the disconnect check."""
    inner = bench()
    whole = Journalled(bench())
    run(begun(PROGRAM, whole.opened_at), whole)
    acts = [
        place
        for place, body in enumerate(
            body for body in whole.bodies if body["kind"] == "sample" or _is_act(body)
        )
        if _is_act(body)
    ]
    first = Journalled(inner, lives=acts[-4] + 1)
    return inner, first, run(begun(PROGRAM, first.opened_at), first)


def _is_act(body: object) -> bool:
    return isinstance(body, dict) and body.get("event", {}).get("kind") == "act"


def test_a_run_killed_while_somebody_reads_is_known_again_and_reads_all_cells_anew() -> None:
    """F4: a measurement is repeated whole; nothing typed before counts twice."""
    inner, first, lost = killed_while_reading()
    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", "disconnect")
    assert [one.position for one in lost.unclosed.typed] == [1, 2]

    left = first.journal(lost)
    known = replay(PROGRAM, [left])
    assert known.outcome.unclosed == lost.unclosed

    inner.clock.push(20.0)
    second = Journalled(inner, token=2)
    state = resumed(
        known.outcome.unclosed, at=second.opened_at, stopped=known.stopped, reason=known.reason
    )
    assert state.typed == ()
    outcome = run(state, second)

    assert outcome.kind == "FINISHED", outcome.reason
    assert [cell.verdict for cell in outcome.run.records[-1].cells] == ["pass"] * 4
    both = replay(PROGRAM, [left, second.journal(outcome)])
    assert both.outcome.run.records == outcome.run.records


def test_a_recheck_by_hand_judges_each_cell_against_its_bank() -> None:
    """B8: a leaking cell is named, whoever read the meter; a healthy bank passes."""
    stopped_at = STARTED_AT - timedelta(hours=5)
    stopped = OffProof(stopped_at, stopped_at, 0.0)
    made = by_hand.typed_steps(
        recheck.program(
            recheck.Spec(
                recipe=recheck.Recipe(),
                banks=(1, 1, 1, 1),
                target_v=3.65,
                current_stopped=stopped,
                cell_voltage_max_v=3.65,
                cell_voltage_min_v=2.50,
            )
        )
    )
    person = (Act("place", 60.0), *reads_by_hand("recheck", CELLS, after_s=30.0, each_s=20.0))

    def checked(soc: tuple[float, ...]) -> Outcome:
        unscanned = Instruments(has_scanner=False)
        inner = VirtualBench(relaxed_bank(soc), person=person, instruments=unscanned)
        return run(begun(made, inner.clock.now()), inner)

    healthy = checked((0.9995, 0.9994, 0.9995, 0.9996))
    assert [cell.verdict for cell in healthy.run.records[-1].cells] == ["pass"] * 4
    assert len({cell.age_s for cell in healthy.run.records[-1].cells}) == 4
    leaky = checked((0.9995, 0.9994, 0.93, 0.9996))
    assert [cell.verdict for cell in leaky.run.records[-1].cells][2] == "fail"


def test_cells_that_are_balanced_one_by_one_are_read_one_by_one() -> None:
    """B12: each check is of the one cell whose turn it was, and nothing is read twice."""
    made_of = by_hand.typed_steps(made())
    person = (
        *reads_by_hand("rested", (1, 2, 3), after_s=30.0, each_s=10.0),
        *by_turns(),
        *(Act(f"disconnect-{cell}", 40.0, says="read", cell=cell) for cell in (1, 2, 3)),
    )
    unscanned = Instruments(has_scanner=False)
    inner = VirtualBench(table(), person=person, sample_s=6.0, instruments=unscanned)

    outcome = run(begun(made_of, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    checks = {r.step: r for r in outcome.run.records if r.step.startswith("disconnect")}
    read = [(r.cells[0].position, r.cells[0].verdict, r.again) for r in checks.values()]
    assert read == [(1, "pass", None), (2, "pass", None), (3, "pass", None)]
    assert {record.meter for record in checks.values()} == {"HAND-1"}
