"""B10: cells in series behind a BMS, charged until the first is full or the BMS opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from stations.drivers.jbd_bms import RATINGS as JBD
from stations.model.bank import Bank, Wiring
from stations.model.bms import Bms
from stations.model.cell import cell_of
from stations.plain import from_plain, to_plain
from stations.procedures import series_precharge
from stations.procedures.actions import Outcome
from stations.procedures.check import problems
from stations.procedures.series_precharge import Recipe, Spec
from stations.procedures.steps import PlanRefused, Program, SeriesCharge
from stations.runner import begun, run
from stations.values import MeterRatings, Ratings, SupplyRatings
from stations.virtual import TAKES_OFF, Act, VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.test_virtual import record

RD6018 = SupplyRatings(
    model="RD6018",
    voltage_max_v=60.0,
    current_max_a=18.0,
    power_max_w=1080.0,
    voltage_resolution_v=0.01,
    current_resolution_a=0.01,
    voltage_accuracy_v=0.041,
    has_watchdog=False,
)
METER = MeterRatings("34461A", 120.0, 1e-4, 0.0025, 1)
SCANNER = MeterRatings("34972A", 12.0, 1e-5, 0.0002, 16)
RATINGS = Ratings(RD6018, METER, SCANNER, bms=JBD)
ASSEMBLED = (Act("assemble", 600.0, hands="string"), TAKES_OFF)


def made(
    cells: int = 4,
    *,
    scanner: bool = True,
    bms: bool = True,
    supply: SupplyRatings = RD6018,
    **recipe: Any,
) -> Program:
    spec = Spec(
        recipe=Recipe(**recipe),
        cells=cells,
        capacity_ah=100.0,
        cell_voltage_max_v=3.65,
        cell_voltage_min_v=2.5,
        cell_r_ohm=0.0005,
        supply=supply,
        bms=JBD if bms else None,
        has_scanner=scanner,
    )
    return series_precharge.program(spec)


def string_of(soc: Sequence[float], bms: Bms | None = None, **wiring: Any) -> Bank:
    bank = Bank([cell_of(100.0)] * len(soc), Wiring(**wiring), soc=soc, linked=False, fed=False)
    bank.bms = bms or Bms()
    return bank


def charged(
    bank: Bank, program: Program, person: Sequence[Act] = ASSEMBLED, **instruments: Any
) -> Outcome:
    bench = VirtualBench(bank, person=person, sample_s=5.0, instruments=Instruments(**instruments))
    outcome = run(begun(program, bench.clock.now()), bench)
    assert not bench.output_on
    return outcome


@pytest.mark.parametrize("cells", [4, 8, 16])
def test_one_cell_ahead_of_the_others_ends_the_charge_at_that_cell(cells: int) -> None:
    bank = string_of([0.90] + [0.80] * (cells - 1))
    program = made(cells)

    outcome = charged(bank, program)

    assert problems(program, RATINGS) == []
    assert from_plain(Program, to_plain(program)) == program
    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("cell 1 is full: 3.65"), done.remarks
    facts = dict(done.facts)
    assert facts["peak_cell"] == 1
    assert facts["bms_opened"] == 0
    # Section 7 of the cell's physics: Q (z_cv - z_max); 14.4 A comes to CV at 0.988.
    assert facts["charge_ah"] == pytest.approx(100.0 * (0.988 - 0.90), rel=0.1)
    others = [cell.voltage_v for cell in record(outcome, "precharged").cells[1:]]
    assert max(others) < 3.5  # mostly charged, and not balanced


def test_a_bms_that_measures_high_opens_first_and_is_named() -> None:
    bank = string_of([0.95, 0.93, 0.93, 0.93], Bms(early_v=0.010))

    outcome = charged(bank, made())

    assert outcome.kind == "FINISHED", outcome.reason
    done = record(outcome, "precharge")
    assert done.remarks[0].startswith("the BMS opened: cell 1 at 3.6")
    assert "cell OV" in done.remarks[0]
    assert dict(done.facts)["bms_opened"] == 1


def test_a_bms_without_a_wire_is_known_by_the_current_that_is_gone() -> None:
    bank = string_of([0.95, 0.93, 0.93, 0.93], Bms(early_v=0.010))
    person = (replace(ASSEMBLED[0], answer=3.65), TAKES_OFF)

    outcome = charged(bank, made(bms=False), person, has_bms=False)

    assert outcome.kind == "FINISHED", outcome.reason
    assert record(outcome, "precharge").remarks[0].startswith("the BMS opened: cell 1 at 3.6")
    assert dict(record(outcome, "assemble").facts) == {"bms_over_v": 3.65}


@pytest.mark.parametrize("wire", [True, False])
def test_a_bms_that_opens_early_ends_safe_and_is_named(wire: bool) -> None:
    bank = string_of([0.95, 0.93, 0.93, 0.93], Bms(early_v=0.2))
    person = (replace(ASSEMBLED[0], answer=3.65), TAKES_OFF)

    outcome = charged(bank, made(bms=wire), person, has_bms=wire)

    assert outcome.kind == "ERROR"
    assert "the BMS opened early" in outcome.reason
    assert "cell 1 at 3.4" in outcome.reason


def test_a_bms_that_does_not_open_is_not_needed() -> None:
    bank = string_of([0.95, 0.93, 0.93, 0.93], Bms(stays_closed=True))

    outcome = charged(bank, made())

    assert outcome.kind == "FINISHED", outcome.reason
    assert record(outcome, "precharge").remarks[0].startswith("cell 1 is full")
    assert dict(record(outcome, "precharge").facts)["peak_cell_v"] < 3.66


def test_equal_cells_come_to_the_voltage_of_the_string_and_take_no_more() -> None:
    bank = string_of([0.97] * 4)

    outcome = charged(bank, made(), has_bms=False, has_scanner=True)

    done = record(outcome, "precharge")
    assert outcome.kind == "FINISHED", outcome.reason
    assert done.remarks == ("the string is at its 14.60 V and takes no more",)


def test_the_bms_alone_shows_the_cells() -> None:
    outcome = charged(string_of([0.95, 0.93, 0.93, 0.93]), made(scanner=False), has_scanner=False)

    assert outcome.kind == "FINISHED", outcome.reason
    assert len(record(outcome, "rested").cells) == 4


def test_a_bms_that_is_set_otherwise_is_refused_before_any_current() -> None:
    bank = string_of([0.9] * 4, Bms(over_v=3.75))

    outcome = charged(bank, made())

    assert outcome.kind == "REFUSED"
    assert "opens when a cell is at 3.750 V; for this charge it must be 3.650 V" in outcome.reason


def test_a_typed_setting_that_is_not_the_target_confirms_nothing() -> None:
    wrong, right = (
        Act("assemble", 600.0 + after, hands="string", answer=volts)
        for after, volts in ((0.0, 3.75), (600.0, 3.65))
    )
    bench = VirtualBench(string_of([0.97] * 4), person=(wrong, right, TAKES_OFF), sample_s=5.0)

    outcome = run(begun(made(bms=False), bench.clock.now()), bench)

    ignored = [data for _, kind, data in bench.notes if kind == "ignored"]
    assert len(ignored) == 1
    assert "It must be 3.65 V" in ignored[0]["words"]
    assert dict(record(outcome, "assemble").facts) == {"bms_over_v": 3.65}


def test_a_meter_that_is_on_one_cell_alone_starts_no_charge() -> None:
    bench = VirtualBench(
        string_of([0.9] * 4), person=(Act("assemble", 60.0, hands="join"),), sample_s=5.0
    )

    outcome = run(begun(made(), bench.clock.now()), bench)

    assert outcome.kind == "ERROR"
    assert "the cells add up to 13.3" in outcome.reason


def test_a_reversed_cell_is_refused_before_any_current() -> None:
    bank = Bank(
        [cell_of(100.0)] * 4,
        Wiring(),
        soc=[0.9] * 4,
        reversed_positions=frozenset({3}),
        linked=False,
        fed=False,
    )

    outcome = charged(bank, made())

    assert outcome.kind == "REFUSED"
    assert "Cell 3 reads -3.3" in outcome.reason


def test_cells_rest_in_parallel_before_where_that_is_asked_for() -> None:
    person = (
        Act("join", 600.0, hands="join"),
        Act("part", 600.0, hands="part"),
        *ASSEMBLED,
    )
    bank = string_of([0.60, 0.50, 0.55, 0.55])

    outcome = charged(bank, made(parallel_rest_h=12.0), person)

    assert outcome.kind == "FINISHED", outcome.reason
    rested = [cell.voltage_v for cell in record(outcome, "rested").cells]
    before = [cell.voltage_v for cell in record(outcome, "pre-parallel").cells]
    assert max(rested) - min(rested) < max(before) - min(before)


@pytest.mark.parametrize(
    ("cells", "supply", "words"),
    [
        (5, RD6018, "A string of 5 cells"),
        (
            16,
            replace(RD6018, model="KA3005P", voltage_max_v=30.0),
            "need 58.4 V, KA3005P has 30 V; use a supply of 60 V",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    cells: int, supply: SupplyRatings, words: str
) -> None:
    with pytest.raises(PlanRefused, match=words):
        made(cells, supply=supply)


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        (replace(RATINGS, scanner=None, bms=None), "nothing here shows each of the 4 cells"),
        (replace(RATINGS, meter=replace(METER, voltage_max_v=12.0)), "has the 100 V range"),
    ],
)
def test_a_bench_that_cannot_see_a_string_is_refused_in_words(ratings: Ratings, words: str) -> None:
    assert any(words in problem for problem in problems(made(), ratings))


def test_sixteen_cells_are_charged_within_the_watts_of_the_supply() -> None:
    (step,) = [s for s in made(16).steps if isinstance(s, SeriesCharge)]

    assert step.setpoint.voltage_v == 58.4
    assert step.setpoint.voltage_v * step.setpoint.current_a <= 1080.0
    assert step.setpoint.current_a <= 0.2 * 100.0
    assert step.setpoint.voltage_v < step.protection.ovp_v <= 58.8
