"""B6: what leads may carry, by a public table, and which may not be used."""

from __future__ import annotations

import math

import pytest

from shop.leads.rules import (
    Leads,
    ampacity_a,
    awg_of_mm2,
    gauge_words,
    lead_problems,
    mm2_of_awg,
    new_problems,
)


def leads(gauge_mm2: float = 5.26, end: str = "ring_6") -> Leads:
    return Leads("L-1", gauge_mm2, 1.5, end)


@pytest.mark.parametrize(
    ("awg", "mm2", "amps"),
    [(14, 2.08, 15.0), (10, 5.26, 30.0), (8, 8.37, 40.0), (6, 13.3, 55.0), (0, 53.5, 125.0)],
)
def test_a_gauge_has_its_area_and_its_amps(awg: int, mm2: float, amps: float) -> None:
    """ASTM B258 and NFPA 70, Table 310.16 (copper, 60 °C)."""
    assert mm2_of_awg(awg) == pytest.approx(mm2, rel=0.003)
    assert ampacity_a(mm2_of_awg(awg)) == amps
    assert awg_of_mm2(mm2_of_awg(awg)) == awg
    assert gauge_words(mm2_of_awg(awg)) == ("1/0 AWG" if awg == 0 else f"{awg} AWG")


@pytest.mark.parametrize(
    ("gauge_mm2", "amps", "awg"),
    [(4.0, 20.0, 12), (6.0, 30.0, 10), (10.0, 40.0, 8), (1.5, 0.0, 16)],
)
def test_between_two_gauges_the_thinner_one_counts(gauge_mm2: float, amps: float, awg: int) -> None:
    assert ampacity_a(gauge_mm2) == amps
    assert awg_of_mm2(gauge_mm2) == awg


def test_a_set_below_the_planned_current_is_refused() -> None:
    assert lead_problems(leads(), 30.0) == []
    (problem,) = lead_problems(leads(), 30.1)
    assert problem.code == "leads_too_thin"
    assert "5.3 mm²) are rated for 30 A, and 30.1 A are planned" in problem.words


@pytest.mark.parametrize(("end", "words"), [("clip", "clips"), ("banana", "banana plugs")])
def test_clips_and_banana_plugs_carry_no_bank(end: str, words: str) -> None:
    (problem,) = lead_problems(leads(33.6, end), 1.0)

    assert (problem.code, words in problem.words) == ("leads_loose", True)
    assert leads(33.6, end).rated_a == 0.0


def test_without_current_or_without_a_set_there_is_nothing_to_refuse() -> None:
    assert lead_problems(leads(1.0, "clip"), 0.0) == []
    assert lead_problems(None, 100.0) == []


def test_copper_alone_has_the_milliohms_of_its_length() -> None:
    """[B]'s 10 AWG: some 7 mohm of both leads with their ends; 1.5 m of copper has 10."""
    assert leads().copper_milliohm == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize(
    ("label", "gauge_mm2", "length_m", "end", "codes"),
    [
        ("L-1", 5.26, 1.5, "ring_8", []),
        ("", 5.26, 1.5, "ring_8", ["label"]),
        ("L-1", math.nan, 1.5, "ring_8", ["gauge"]),
        ("L-1", 5.26, 0.0, "ring_8", ["length"]),
        ("L-1", 5.26, math.nan, "hook", ["length", "end"]),
    ],
)
def test_what_is_no_lead_set_is_named(
    label: str, gauge_mm2: float, length_m: float, end: str, codes: list[str]
) -> None:
    assert [p.code for p in new_problems(label, gauge_mm2, length_m, end)] == codes
