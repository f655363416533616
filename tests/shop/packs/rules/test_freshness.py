"""G5: four hours since current stopped, or a fresh passing re-check (B8)."""

from __future__ import annotations

from datetime import timedelta

from shop.evidence.values import CellEvidence
from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    NOW,
    STOPPED,
    cell,
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
