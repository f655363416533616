"""G6: spread at the disconnect check, one meter, common drift taken out where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.evidence.rules.drift import levelled
from shop.evidence.values import CellEvidence, GroupReading, VoltageEvidence
from shop.packs.findings import Finding, Verdict
from tests.shop.evidence.builders import NOW, STOPPED, balance, cell, disconnect, instrument
from tests.shop.packs.gate import ask, bank, only, says_all


def volts(*values: float) -> list[CellEvidence]:
    return [cell(f"C-{n}", disconnect=disconnect(v)) for n, v in enumerate(values, start=1)]


def g6(cells: list[CellEvidence]) -> Finding:
    found = [f for f in ask(cells) if f.rule == "G6"]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("low_v", "verdict", "value", "remarks"),
    [
        (3.641, Verdict.PASS, "0.0 mV", False),
        (3.636, Verdict.PASS, "5.0 mV", False),
        (3.6359, Verdict.PASS, "5.1 mV", True),
        (3.631, Verdict.PASS, "10.0 mV", True),
        (3.6309, Verdict.FAIL, "10.1 mV", False),
    ],
)
def test_aims_at_five_millivolts_and_refuses_above_ten(
    low_v: float, verdict: Verdict, value: str, remarks: bool
) -> None:
    found = g6(volts(3.641, 3.641, low_v))

    assert (found.verdict, found.value, found.limit) == (verdict, value, "≤ 10.0 mV")
    assert ("above the aim of 5.0 mV" in found.words) is remarks
    assert verdict is Verdict.PASS or says_all(found)


def test_names_the_cells_at_both_ends() -> None:
    assert "from C-2 to C-3" in g6(volts(3.638, 3.633, 3.642)).words


def test_judges_several_banks_together() -> None:
    """Each bank is within a millivolt; together they are not."""
    one, two = volts(3.645, 3.644), volts(3.630, 3.631)
    banks = [
        *one,
        *(
            cell(
                f"B-{n}",
                balance=balance(run_id=12),
                disconnect=disconnect(c.disconnect.voltage_v, run_id=12, check_id=43),
            )
            for n, c in enumerate(two)
            if c.disconnect
        ),
    ]

    found = only(ask(banks), "G6")

    assert found.value == "15.0 mV"
    assert [ref.id for ref in found.evidence] == [41, 43]


def test_two_meters_say_nothing_of_a_spread() -> None:
    cells = bank(2)
    other = instrument("scanner", serial_number="MY-other")
    cells[1] = cell("C-2", disconnect=disconnect(meter=other))

    found = only(ask(cells), "G6")

    assert found.verdict is Verdict.MISSING
    assert found.value == "34972A MY-other, 34972A MY-scanner"
    assert says_all(found)


@pytest.mark.parametrize("spoilt", [None, disconnect(None), disconnect(nan), disconnect(run_id=9)])
def test_a_cell_without_a_reading_leaves_the_spread_unknown(
    spoilt: VoltageEvidence | None,
) -> None:
    cells = bank(2)
    cells[1] = replace(cells[1], disconnect=spoilt)

    found = g6(cells)

    assert (found.verdict, found.value) == (Verdict.MISSING, "1 of 2 cells")
    assert says_all(found)


def by_hand(values: Sequence[float], *, again: float | None, role: str) -> list[CellEvidence]:
    """Cells measured a minute apart; `again` is the first one's second reading, at the end."""
    names = [f"C-{n}" for n in range(1, len(values) + 1)]
    read = [(name, value) for name, value in zip(names, values, strict=True)]
    if again is not None:
        read.append((names[0], again))
    group = tuple(
        GroupReading(name, value, STOPPED + timedelta(minutes=n))
        for n, (name, value) in enumerate(read)
    )
    meter = instrument(role)
    return [
        cell(name, disconnect=disconnect(value, group=group, meter=meter))
        for name, value in zip(names, values, strict=True)
    ]


def test_the_common_drift_is_taken_out_and_the_raw_figure_said() -> None:
    """3 mV a minute of relaxation looks like a spread of 9 mV, and is none."""
    found = g6(by_hand((3.641, 3.638, 3.635, 3.632), again=3.629, role="meter"))

    assert (found.verdict, found.value) == (Verdict.PASS, "0.0 mV")
    assert "(9.0 mV before the common drift was taken out)" in found.words


def test_no_drift_is_taken_out_unless_the_first_cell_was_measured_again_last() -> None:
    found = g6(by_hand((3.641, 3.637, 3.633, 3.629), again=None, role="meter"))

    assert (found.verdict, found.value) == (Verdict.FAIL, "12.0 mV")


def test_a_manual_meter_may_be_twice_as_coarse() -> None:
    values = (3.641, 3.625)

    assert g6(by_hand(values, again=3.641, role="manual")).limit == "≤ 20.0 mV"
    assert g6(by_hand(values, again=3.641, role="manual")).verdict is Verdict.PASS
    assert g6(by_hand(values, again=3.641, role="meter")).verdict is Verdict.FAIL


around = st.floats(3.60, 3.65)


@given(st.lists(around, min_size=2, max_size=12), st.floats(-1e-4, 1e-4))
def test_a_drift_common_to_all_cells_never_changes_what_is_levelled(
    values: list[float], slope: float
) -> None:
    readings = [
        GroupReading(f"C-{n}", v + slope * 60 * n, NOW + timedelta(minutes=n))
        for n, v in enumerate((*values, values[0]))
    ]
    readings[-1] = replace(readings[-1], serial="C-0")

    found = levelled(readings)

    assert [cell.serial for cell in found] == [f"C-{n}" for n in range(len(values))]
    assert [cell.voltage_v for cell in found] == pytest.approx(values)
    assert [cell.raw_v for cell in found] == [r.voltage_v for r in readings[:-1]]


@given(st.lists(around, min_size=2, max_size=12))
def test_a_spread_above_the_limit_never_passes(values: list[float]) -> None:
    """Whatever the order, and whichever banks the cells come from."""
    spread = max(values) - min(values)

    assert (g6(volts(*values)).verdict is Verdict.PASS) is (spread <= 0.010 + 1e-9)
    assert g6(volts(*values)).verdict is g6(volts(*values[::-1])).verdict


def test_what_a_person_read_is_said_wherever_it_counts() -> None:
    """B7: a lower class of evidence, never taken for a scanner's."""
    by_hand = instrument("manual", model="87V")
    checks = [disconnect(v, meter=by_hand) for v in (3.641, 3.628)]
    instruments = (instrument("meter"), instrument("supply"), by_hand)
    cells = [
        cell(f"C-{n}", disconnect=check, balance=balance(instruments=instruments))
        for n, check in enumerate(checks, start=1)
    ]

    found = {f.rule: f for f in ask(cells) if f.rule in ("G4", "G6", "G7") and f.cell != "C-1"}

    assert "passed the disconnect check, read by hand" in found["G4"].words
    assert "check, read by hand, the cells" in found["G6"].words
    assert (found["G6"].verdict, found["G6"].limit) == (Verdict.PASS, "≤ 20.0 mV")
    assert all(f.verdict is Verdict.PASS for f in ask(cells) if f.rule == "G7")


def test_a_led_bench_meter_is_no_lower_class_of_evidence() -> None:
    """B7, G6, G7: 10 mV, in the scanner's place, and nowhere called read by hand."""
    led = instrument("meter", model="34461A")
    checks = [disconnect(v, meter=led) for v in (3.641, 3.632)]
    cells = [
        cell(f"C-{n}", disconnect=check, balance=balance(instruments=(led, instrument("supply"))))
        for n, check in enumerate(checks, start=1)
    ]

    found = {f.rule: f for f in ask(cells) if f.rule in ("G4", "G6", "G7") and f.cell != "C-1"}

    assert (found["G6"].verdict, found["G6"].limit) == (Verdict.PASS, "≤ 10.0 mV")
    assert all("by hand" not in f.words for f in found.values())
    assert all(f.verdict is Verdict.PASS for f in ask(cells) if f.rule == "G7")
