"""G5: four hours since current stopped, or a fresh passing re-check (B8)."""

from __future__ import annotations

from datetime import timedelta

from shop.evidence.values import CellEvidence, GroupReading, NonconformanceEvidence
from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from shop.packs.rules.freshness import QUARANTINE, REPEAT_HOLD
from tests.shop.evidence.builders import (
    NOW,
    STOPPED,
    balance,
    cell,
    disconnect,
    recheck,
)
from tests.shop.packs.gate import MOMENT, ask, bank, blocking, only, says_all

VOLTS: dict[str, float | None] = {"C-1": 3.402, "C-2": 3.400, "C-3": 3.398, "C-4": 3.401}


def rechecked(
    volts: dict[str, float | None], hours: float = 5.0, cells: int = 4
) -> list[CellEvidence]:
    at = STOPPED + timedelta(hours=hours)
    return [cell(name, recheck=recheck(volts, name, at=at)) for name in list(volts)[:cells]]


def test_allows_four_hours_to_the_second() -> None:
    assert is_allowed(ask(bank(), now=STOPPED + timedelta(hours=4)))


def test_refuses_four_hours_and_one_second_without_recheck() -> None:
    refused = blocking(ask(bank(), now=STOPPED + timedelta(hours=4) + MOMENT))

    assert [f.rule for f in refused] == ["G5"] * 4
    assert refused[0].value == "4 h 00 min 01 s"
    assert refused[0].limit == "≤ 4 h 00 min"
    assert all(says_all(f) for f in refused)


def test_refuses_current_that_stops_in_the_future() -> None:
    refused = blocking(ask(bank(), now=STOPPED - MOMENT), "G5")

    assert {f.verdict for f in refused} == {Verdict.MISSING}
    assert all(says_all(f) for f in refused)


def test_a_passed_recheck_is_fresh_for_four_hours() -> None:
    at = STOPPED + timedelta(hours=5)

    assert is_allowed(ask(rechecked(VOLTS), now=at + timedelta(hours=4)))
    refused = blocking(ask(rechecked(VOLTS), now=at + timedelta(hours=4) + MOMENT))
    assert [f.rule for f in refused] == ["G5"] * 4
    assert all(says_all(f) for f in refused)


def test_refuses_a_failed_recheck_whatever_the_age() -> None:
    low = VOLTS | {"C-3": 3.30}

    finding = only(ask(rechecked(low, hours=0.5), now=NOW), "G5")

    assert finding.cell == "C-3"
    assert finding.fix is not None
    assert finding.fix.code == "repeat_hold"
    assert says_all(finding)


def test_refuses_a_recheck_that_left_a_cell_of_the_bank_out() -> None:
    cells = rechecked({k: v for k, v in VOLTS.items() if k != "C-4"})
    cells.append(cell("C-4"))

    refused = blocking(ask(cells, now=STOPPED + timedelta(hours=6)), "G5")

    assert len(refused) == 4
    assert all(says_all(f) for f in refused)


def test_a_recheck_before_the_newest_disconnect_check_does_not_count() -> None:
    cells = rechecked(VOLTS, hours=-3.0)

    assert {f.rule for f in blocking(ask(cells, now=STOPPED + timedelta(hours=5)))} == {"G5"}


def test_a_cell_is_judged_against_its_whole_bank_whoever_is_placed() -> None:
    """One cell of a bank alone in a plan still has its neighbours of the re-check."""
    low = VOLTS | {"C-3": 3.30}
    at = STOPPED + timedelta(hours=5)
    alone = [cell("C-3", recheck=recheck(low, "C-3", at=at))]

    assert only(ask(alone, now=at), "G5").fix == REPEAT_HOLD


def test_a_bank_that_rests_lower_does_not_fail_its_neighbour_bank() -> None:
    at = STOPPED + timedelta(hours=5)
    one = [GroupReading(name, 3.55, at, 1) for name in ("A-1", "A-2")]
    two = [GroupReading(name, 3.42, at, 2) for name in ("B-1", "B-2")]
    volts: dict[str, float | None] = {r.serial: r.voltage_v for r in (*one, *two)}
    cells = [
        cell(
            name,
            balance=balance(run_id=1 if name[0] == "A" else 2),
            disconnect=disconnect(run_id=1 if name[0] == "A" else 2),
            recheck=recheck(volts, name, at=at, group=(*one, *two)),
        )
        for name in volts
    ]

    assert is_allowed(ask(cells, now=at))


def test_a_cell_that_was_checked_without_any_neighbour_is_missing_a_recheck() -> None:
    at = STOPPED + timedelta(hours=5)
    volts: dict[str, float | None] = {"C-1": 3.40}

    finding = only(ask([cell("C-1", recheck=recheck(volts, "C-1", at=at))], now=at), "G5")

    assert finding.verdict is Verdict.MISSING


def test_a_cell_that_was_low_twice_is_put_aside() -> None:
    low = VOLTS | {"C-3": 3.30}
    notes = tuple(
        NonconformanceEvidence(n, "RECHECK_LOW", "low", STOPPED, "USE_AS_IS", NOW) for n in (1, 2)
    )
    cells = rechecked(low, hours=0.5)
    cells[2] = cell("C-3", recheck=cells[2].recheck, nonconformances=notes)

    assert only(ask(cells, now=NOW), "G5").fix == QUARANTINE
