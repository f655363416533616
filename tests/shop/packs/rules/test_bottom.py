"""G3 to G7 for emptied cells (B9): by their taper, at one age, near each other, not by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shop.evidence.values import CellEvidence
from shop.jobs.policies import Policy
from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    NOW,
    STOPPED,
    approved,
    balance,
    cell,
    disconnect,
    instrument,
    recheck,
)
from tests.shop.packs.gate import ask, blocking, only, says_all

HALF_HOUR = timedelta(minutes=30)
USED = tuple(instrument(role) for role in ("meter", "scanner", "load"))
TAPER = {"method": "BOTTOM", "target_v": 2.50, "tail_a": 2.0, "done_a": 2.0, "partial_a": 2.0}
SINGLE = TAPER | {"tail_a": 40.0, "done_a": 40.0, "partial_a": 40.0}


def emptied(
    serial: str,
    volts: float = 2.550,
    age: timedelta = HALF_HOUR,
    how: dict[str, Any] = TAPER,
    **changes: Any,
) -> CellEvidence:
    read = disconnect(
        volts, age, kind="BOTTOM", target_v=2.50, check_id=60 + int(serial[-1]),
        meter=instrument(changes.pop("role", "meter"), serial_number="MY-1"),
    )  # fmt: skip
    own = balance(instruments=USED, charge_ah=-190.0, cv_s=0.0, **how)
    return cell(serial, balance=own, disconnect=read, **changes)


def four(*volts: float, **changes: Any) -> list[CellEvidence]:
    return [emptied(f"C-{n}", volt, **changes) for n, volt in enumerate(volts, start=1)]


GOOD = (2.548, 2.550, 2.552, 2.555)


def test_opens_for_tapered_cells_and_warns() -> None:
    found = ask(four(*GOOD), application="EV")

    assert is_allowed(found), blocking(found)
    warned = next(f for f in found if f.rule == "G3" and f.cell == "C-1")
    assert "conservative under-voltage limit" in warned.words
    assert "whether LiFePO4 suits" in warned.words
    assert "in one step" not in warned.words


def test_a_solar_pack_refuses_them_and_says_why() -> None:
    """M3."""
    refused = blocking(ask(four(*GOOD), application="SOLAR"), "G3")

    assert {f.cell for f in refused} == {"C-1", "C-2", "C-3", "C-4"}
    assert "hardly ever sees" in refused[0].words
    assert all(says_all(f) for f in refused)


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (timedelta(minutes=5), Verdict.MISSING),  # still near 2.50 V, whatever is left in it
        (HALF_HOUR, Verdict.PASS),
        (timedelta(minutes=37), Verdict.MISSING),
    ],
)
def test_only_a_reading_of_the_right_age_counts(age: timedelta, verdict: Verdict) -> None:
    cells = [*four(*GOOD[:3]), emptied("C-4", age=age)]

    found = [f for f in ask(cells, application="EV") if f.rule == "G4" and f.cell == "C-4"]

    assert [f.verdict for f in found] == [verdict]
    assert verdict is Verdict.PASS or says_all(found[0])


@pytest.mark.parametrize(("volts", "words"), [(2.499, "rested below"), (2.651, "rested above")])
def test_refuses_a_cell_outside_the_window(volts: float, words: str) -> None:
    cells = [*four(*GOOD[:3]), emptied("C-4", volts)]

    refused = blocking(ask(cells, application="EV"), "G4")

    assert [f.cell for f in refused] == ["C-4"]
    assert words in refused[0].words
    assert says_all(refused[0])


def test_refuses_cells_that_are_more_than_10_mv_apart() -> None:
    finding = only(ask(four(2.545, 2.550, 2.552, 2.5551), application="EV"), "G6")

    assert (finding.value, finding.limit) == ("10.1 mV", "≤ 10.0 mV")
    assert finding.fix is not None
    assert finding.fix.code == "empty_again"
    assert "bottom check" in finding.words
    assert says_all(finding)


def test_a_single_step_has_its_own_window_and_a_warning() -> None:
    single = four(2.790, 2.800, 2.830, 2.820, how=SINGLE)
    found = ask(single, application="EV")

    assert is_allowed(found), blocking(found)
    assert any("in one step" in f.words for f in found if f.rule == "G3")
    low = blocking(ask(four(2.60, 2.60, 2.60, 2.60, how=SINGLE), application="EV"), "G4")
    assert len(low) == 4


def test_a_single_step_beside_a_taper_is_another_balance() -> None:
    cells = [*four(*GOOD[:3]), emptied("C-4", 2.800, how=SINGLE)]

    refused = {f.rule for f in blocking(ask(cells, application="EV"))}

    assert refused == {"G3", "G6"}


def test_a_meter_that_a_person_reads_is_no_evidence_here() -> None:
    cells = [*four(*GOOD[:3]), emptied("C-4", role="manual")]

    refused = blocking(ask(cells, application="EV"), "G4")

    assert [(f.cell, f.verdict) for f in refused] == [("C-4", Verdict.MISSING)]
    assert "by hand" in refused[0].words


def test_the_loads_calibration_counts_and_the_supplys_does_not() -> None:
    without = balance(instruments=USED[:2], **TAPER)
    cells = [*four(*GOOD[:3]), cell("C-4", balance=without, disconnect=emptied("C-4").disconnect)]

    assert "no load" in only(ask(cells, application="EV"), "G7").value


LATER = STOPPED + timedelta(hours=5)


def rechecked(volts: dict[str, float | None]) -> list[CellEvidence]:
    """Five hours after current stopped, one hour before the gate is asked."""
    cells = four(*GOOD)
    return [approved(_with(known, recheck(volts, known.serial, at=LATER))) for known in cells]


def _with(known: CellEvidence, read: Any) -> CellEvidence:
    return CellEvidence(**{name: getattr(known, name) for name in FIELDS} | {"recheck": read})


FIELDS = ("serial", "cell_type", "rated_ah", "capacity", "balance", "disconnect")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (2.562, ""),
        (2.542, "apart from its neighbours"),  # 18 mV: a warning
        (2.490, "is low at the re-check"),
        (2.600, "is high at the re-check"),  # it has charge left
    ],
)
def test_a_recheck_of_emptied_cells_looks_both_ways(last: float, words: str) -> None:
    found = ask(
        rechecked({"C-1": 2.560, "C-2": 2.561, "C-3": 2.563, "C-4": last}),
        application="EV",
        now=LATER + timedelta(hours=1),
    )
    finding = next(f for f in found if f.rule == "G5" and f.cell == "C-4")

    assert words in finding.words
    assert finding.blocks == ("the re-check" in words and "is" in words)
    if finding.blocks:
        assert finding.fix is not None
        assert finding.fix.code == "empty_again"
        assert says_all(finding)


def test_a_recheck_that_a_person_reads_makes_emptied_cells_no_fresher() -> None:
    volts: dict[str, float | None] = {"C-1": 2.560, "C-2": 2.561, "C-3": 2.563, "C-4": 2.562}
    hand = instrument("manual", serial_number="F-1")
    cells = [
        approved(_with(known, replace(recheck(volts, known.serial, at=LATER), meter=hand)))
        for known in four(*GOOD)
    ]

    refused = blocking(ask(cells, application="EV", now=LATER + timedelta(hours=1)), "G5")

    assert {f.verdict for f in refused} == {Verdict.MISSING}
    assert len(refused) == 4
    assert "by hand" in refused[0].words


def test_without_a_recheck_they_are_stale_after_four_hours() -> None:
    refused = blocking(ask(four(*GOOD), application="EV", now=NOW + timedelta(hours=3, minutes=1)))

    assert {f.rule for f in refused} == {"G5"}


def test_the_floor_of_an_empty_cell_is_the_makers_limit() -> None:
    """After two days every healthy cell has leaked below it: charge them, and begin again."""
    found = ask(
        rechecked({f"C-{n}": 2.495 for n in (1, 2, 3, 4)}),
        application="EV",
        now=LATER + timedelta(hours=1),
    )

    refused = blocking(found, "G5")
    assert len(refused) == 4
    assert Policy().bottom_recheck_floor_v == 2.50
