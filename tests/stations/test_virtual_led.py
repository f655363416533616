"""A bench without a scanner whose meter a person leads: whole on the cell model, and replayed."""

from __future__ import annotations

from typing import Any

import pytest

from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures.leading import led_steps
from stations.procedures.resume import resumed
from stations.replay import replay
from stations.runner import begun, run
from stations.virtual import ATTENTIVE, Act, VirtualBench, leads_meter
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import program
from tests.stations.procedures.test_single_cells import by_turns, made, table
from tests.stations.test_replay import Journalled

CELLS = (1, 2, 3, 4)
PROGRAM = led_steps(program())
BEFORE = (Act("probes", 30.0), *leads_meter("pre-parallel", CELLS, after_s=30.0, each_s=12.0))
AFTER = leads_meter("disconnect", (*CELLS, 1), after_s=20.0, each_s=12.0)
LEADER = (*BEFORE, *ATTENTIVE, *AFTER)
UNSCANNED = Instruments(has_scanner=False, meter_resolution_v=1e-5, noise_v=1e-5)


def bench(person: tuple[Act, ...] = LEADER) -> VirtualBench:
    cells = Bank([cell_of(200.0)] * 4, Wiring(), soc=[0.95] * 4, linked=False, fed=False)
    return VirtualBench(cells, person=person, sample_s=12.0, instruments=UNSCANNED)


def told(inner: VirtualBench, kind: str) -> list[Any]:
    return [data for _, name, data in inner.notes if name == kind]


def test_a_night_with_the_meter_led_ends_with_a_check_by_the_bench_meter() -> None:
    """B7, G6: each cell with its own age, the first again, and nothing that a person typed."""
    inner = bench()
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    record = outcome.run.records[-1]
    assert (record.step, record.meter) == ("disconnect", "METER-1")
    assert [cell.verdict for cell in record.cells] == ["pass"] * 4
    ages = [cell.age_s for cell in record.cells]
    assert ages == sorted(ages)
    assert ages[3] - ages[0] == pytest.approx(36.0, abs=2.0)
    assert record.again is not None
    assert record.again.voltage_v <= record.cells[0].voltage_v  # cells relax meanwhile
    read = told(inner, "read")
    assert [one["cell"] for one in read] == [*CELLS, *CELLS, 1]
    assert [one["voltage_v"] for one in read[4:8]] == [c.voltage_v for c in record.cells]
    assert told(inner, "unread") == told(inner, "ignored") == []


def test_a_meter_that_was_left_in_hand_keeps_every_charge_off() -> None:
    """B4: what it shows in the air is not the bank."""
    inner = bench((*BEFORE, Act("connect", 60.0, hands="join"), Act("joined", 0.5, hands="probe")))
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert (outcome.kind, outcome.run.step.name) == ("ERROR", "joined")
    assert "check polarity, links and cells" in outcome.reason
    assert outcome.run.charge_ah == 0.0


def test_a_scan_with_the_probes_in_the_air_is_asked_for_again_in_words() -> None:
    astray = (
        Act("disconnect", 5.0, hands="probe", says=""),
        Act("disconnect", 6.0, says="scan", cell=1),
    )
    later = leads_meter("disconnect", (*CELLS, 1), after_s=50.0, each_s=12.0)
    inner = bench((*BEFORE, *ATTENTIVE, *astray, *later))
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    (unread,) = told(inner, "unread")
    assert unread["cell"] == 1
    assert "the meter shows nothing, 30 s after the scan" in unread["words"]


def test_a_scan_of_a_cell_that_was_read_already_is_told_and_changes_nothing() -> None:
    again = Act("pre-parallel", 43.0, says="scan", cell=1)
    inner = bench((*LEADER, again))
    outcome = run(begun(PROGRAM, inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    (words,) = (one["words"] for one in told(inner, "unread"))
    assert words == "cell 1 was read already, and that stands"


def test_a_journal_with_scans_comes_to_the_same_records() -> None:
    journalled = Journalled(bench())
    outcome = run(begun(PROGRAM, journalled.opened_at), journalled)

    again = replay(PROGRAM, [journalled.journal(outcome)])

    assert outcome.kind == again.outcome.kind == "FINISHED"
    assert again.outcome.run.records == outcome.run.records


def _is_act(body: object) -> bool:
    return isinstance(body, dict) and body.get("event", {}).get("kind") == "act"


def test_a_run_killed_between_scan_and_reading_is_known_again_and_reads_all_cells_anew() -> None:
    """F4: nothing that was read before counts twice, the scan is asked for again."""
    inner, whole = bench(), Journalled(bench())
    run(begun(PROGRAM, whole.opened_at), whole)
    heard = [body for body in whole.bodies if body["kind"] == "sample" or _is_act(body)]
    acts = [place for place, body in enumerate(heard) if _is_act(body)]
    first = Journalled(inner, lives=acts[-3] + 2)  # a sample after the third scan of the last step
    lost = run(begun(PROGRAM, first.opened_at), first)
    assert (lost.kind, lost.unclosed.step.name) == ("INTERRUPTED", "disconnect")
    assert [one.position for one in lost.unclosed.typed] == [1, 2]
    assert lost.unclosed.scan is not None

    left = first.journal(lost)
    known = replay(PROGRAM, [left])
    assert known.outcome.unclosed == lost.unclosed

    inner.clock.push(20.0)
    second = Journalled(inner, token=2)
    state = resumed(
        known.outcome.unclosed, at=second.opened_at, stopped=known.stopped, reason=known.reason
    )
    assert (state.typed, state.scan) == ((), None)
    outcome = run(state, second)

    assert outcome.kind == "FINISHED", outcome.reason
    assert [cell.verdict for cell in outcome.run.records[-1].cells] == ["pass"] * 4
    both = replay(PROGRAM, [left, second.journal(outcome)])
    assert both.outcome.run.records == outcome.run.records


def test_cells_that_are_balanced_one_by_one_are_led_to_one_by_one() -> None:
    """B12: the meter is given back for each charge."""
    person = (
        Act("probes", 30.0),
        *leads_meter("rested", (1, 2, 3), after_s=30.0, each_s=12.0),
        *by_turns(),
        *(
            act
            for cell in (1, 2, 3)
            for act in leads_meter(f"disconnect-{cell}", (cell,), after_s=10.0, each_s=0.0)
        ),
    )
    inner = VirtualBench(table(), person=person, sample_s=6.0, instruments=UNSCANNED)

    outcome = run(begun(led_steps(made()), inner.clock.now()), inner)

    assert outcome.kind == "FINISHED", outcome.reason
    checks = [r for r in outcome.run.records if r.step.startswith("disconnect")]
    read = [(r.cells[0].position, r.cells[0].verdict, r.again, r.meter) for r in checks]
    assert read == [(cell, "pass", None, "METER-1") for cell in (1, 2, 3)]
