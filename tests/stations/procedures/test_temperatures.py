"""Warm enough and not too warm: what `decide` makes of temperatures (F4, B8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stations.model.bank import Bank
from stations.model.cell import cell_of
from stations.procedures.actions import Trip
from stations.procedures.charging import as_cold
from stations.procedures.decide import decide
from stations.runner import begun, run
from stations.values import NAN, Setpoint
from stations.virtual import VirtualBench
from stations.virtual_instruments import Instruments
from tests.stations.procedures.scripted import holding, program, run_at
from tests.stations.procedures.test_recheck import PLACES, play
from tests.stations.virtual_cells import relaxed_bank


def bank_of(capacity_ah: float) -> Bank:
    return Bank([cell_of(capacity_ah)] * 4, soc=(0.95,) * 4, linked=False, fed=False)


PROBES = Instruments(probes=4)
FULL = Setpoint(3.65, 14.4)


@pytest.mark.parametrize(
    ("celsius", "words"),
    [
        ((25.0, 45.2), "probe 2 at 45.2 °C"),
        ((-0.5, 20.0), "probe 1 at -0.5 °C"),
        ((NAN, 20.0), "probe 1 at nan °C"),
    ],
)
def test_a_temperature_outside_what_cells_bear_trips(
    celsius: tuple[float, ...], words: str
) -> None:
    warm = holding(1, 10.0, temperatures_c=celsius)

    _, action = decide(run_at("balance"), warm, warm.at)

    assert isinstance(action, Trip)
    assert words in action.reason


def test_a_bench_without_probes_is_judged_without_them() -> None:
    plain = holding(1, 10.0)

    _, action = decide(run_at("balance"), plain, plain.at)

    assert not isinstance(action, Trip)


@pytest.mark.parametrize(
    ("coldest_c", "amps"), [(25.0, 14.4), (11.1, 14.4), (10.9, 9.8), (2.0, 9.8), (NAN, 14.4)]
)
def test_cold_cells_are_asked_to_take_less(coldest_c: float, amps: float) -> None:
    limits = replace(program().limits, cold_current_max_a=10.0)

    assert as_cold(FULL, limits, coldest_c).current_a == amps


def test_a_cold_bank_is_charged_with_a_tenth_of_its_capacity_an_hour_from_the_first_amp() -> None:
    """Cells of 20 Ah, 0.2C of the bank: 14.4 A warm, and 8 A below 10 degC."""
    bench = VirtualBench(bank_of(20.0), instruments=PROBES, sample_s=10.0)
    bench.warmth.room_c = 5.0
    bench.warmth.cells_c[:] = 5.0
    highest = 0.0
    plain_next = bench.next

    def watched():  # type: ignore[no-untyped-def]
        nonlocal highest
        item = plain_next()
        highest = max(highest, getattr(item, "supply_current_a", 0.0))
        return item

    bench.next = watched  # type: ignore[method-assign]
    outcome = run(begun(program(capacity_ah=20.0), bench.clock.now()), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    assert 7.0 < highest <= 8.0


def test_a_recheck_waits_until_its_cells_are_alike_warm() -> None:
    bench = VirtualBench(relaxed_bank(), person=PLACES, instruments=PROBES)
    bench.warmth.cells_c[1] = 32.0

    outcome = play(bench)

    assert outcome.kind == "ERROR"
    assert "K apart, and are compared within 3 K: let them lie side by side" in outcome.reason


def test_a_recheck_says_how_alike_warm_its_cells_were() -> None:
    bench = VirtualBench(relaxed_bank(), person=PLACES, instruments=PROBES)
    bench.warmth.cells_c[1] = 27.0

    remarks = play(bench).run.records[-1].remarks

    assert remarks[-1] == "4 probes within 2.0 K of each other"


def test_a_recheck_without_probes_says_that_warmth_is_not_observable() -> None:
    remarks = play(VirtualBench(relaxed_bank(), person=PLACES)).run.records[-1].remarks

    assert remarks[-1] == "temperatures not observable: no two probes on these cells"


def test_cells_warm_up_by_what_their_resistance_makes_of_the_current() -> None:
    """Three amps through a third of a milliohm are milliwatts: nothing that a probe shows."""
    bench = VirtualBench(bank_of(200.0), instruments=PROBES, sample_s=10.0)

    outcome = run(begun(program(), bench.clock.now()), bench)

    assert outcome.kind == "FINISHED", outcome.reason
    assert 25.0 <= bench.warmth.cells_c.max() < 25.2
