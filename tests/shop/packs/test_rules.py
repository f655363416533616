"""The gate's refusals, each by name (G1-G5, G7, G10): reason, value, limit, why and fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence, NonconformanceEvidence
from shop.jobs.defaults import Policy
from shop.packs.findings import Verdict
from shop.packs.rules import findings, is_allowed
from tests.shop.evidence.builders import (
    ASSEMBLER,
    NOW,
    STOPPED,
    TECHNICIAN,
    approved,
    balance,
    calibration,
    capacity,
    cell,
    disconnect,
    instrument,
    recheck,
)
from tests.shop.packs.gate import MOMENT, POLICY, ask, bank, blocking, only, plan, says_all

VOLTS: dict[str, float | None] = {"C-1": 3.402, "C-2": 3.400, "C-3": 3.398, "C-4": 3.401}


def spoil(**changes: Any) -> list[CellEvidence]:
    """A good bank whose second cell is changed before its approval."""
    cells = bank()
    cells[1] = cell("C-2", **changes)
    return cells


def rechecked(
    volts: dict[str, float | None], hours: float = 5.0, cells: int = 4
) -> list[CellEvidence]:
    at = STOPPED + timedelta(hours=hours)
    return [cell(name, recheck=recheck(volts, name, at=at)) for name in list(volts)[:cells]]


def test_allows_a_good_bank_and_shows_its_figures() -> None:
    found = ask(bank())

    assert is_allowed(found)
    assert {f.rule for f in found} == {"G1", "G2", "G3", "G4", "G5", "G7", "G10", "simulated"}
    assert any(f.rule == "G2" and f.value == "0.00 %" for f in found)
    assert any(f.rule == "G4" and f.value == "3.641 V, 2 min after current stopped" for f in found)


def test_allows_nothing_that_was_not_judged() -> None:
    assert not is_allowed([])


# G1


def test_refuses_without_approval() -> None:
    finding = only(ask(spoil(approve=False)), "G1")

    assert finding.verdict is Verdict.MISSING
    assert finding.cell == "C-2"
    assert says_all(finding)


def test_refuses_an_approval_by_who_ran_the_job() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approved_by=TECHNICIAN)

    finding = only(ask(cells), "G1")

    assert finding.verdict is Verdict.FAIL
    assert "who ran its balance" in finding.words
    assert says_all(finding)


def test_refuses_an_approval_by_who_assembles() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approved_by=ASSEMBLER)

    finding = only(ask(cells), "G1")

    assert "who assembles" in finding.words
    assert says_all(finding)


def test_refuses_an_approval_by_a_technician() -> None:
    cells = bank()
    cells[1] = approved(cells[1], approver_role="TECHNICIAN")

    assert says_all(only(ask(cells), "G1"))


def test_refuses_an_approval_of_other_evidence() -> None:
    cells = bank()
    cells[1] = replace(cells[1], capacity=capacity(200.5))

    finding = only(ask(cells), "G1")

    assert "changed since" in finding.words
    assert says_all(finding)


# G2


def test_refuses_without_capacity_test() -> None:
    refused = blocking(ask(spoil(capacity=None)), "G2")

    assert [f.verdict for f in refused] == [Verdict.MISSING, Verdict.MISSING]
    assert refused[0].cell == "C-2"
    assert all(says_all(f) for f in refused)


@pytest.mark.parametrize(("odd_ah", "allowed"), [(204.0, True), (204.2, False), (195.8, False)])
def test_refuses_a_capacity_spread_above_two_percent(odd_ah: float, allowed: bool) -> None:
    found = ask(spoil(capacity=capacity(odd_ah)))

    assert is_allowed(found) is allowed
    if not allowed:
        finding = only(found, "G2")
        assert (finding.value, finding.limit) == ("2.10 %", "≤ 2.00 %")
        assert says_all(finding)


@pytest.mark.parametrize(
    "test",
    [
        capacity(99.9),
        capacity(240.1),
        capacity(tested_at=NOW + MOMENT),
        capacity(file_sha256=""),
    ],
)
def test_refuses_an_invalid_capacity_test(test: object) -> None:
    refused = blocking(ask([cell("C-1", capacity=test)]), "G2")

    assert refused[0].verdict is Verdict.FAIL
    assert says_all(refused[0])


def test_refuses_an_import_where_policy_wants_our_own_test() -> None:
    policy = GatePolicy.of(Policy(imported_capacity_allowed=False))

    assert len(blocking(ask(bank(), policy=policy), "G2")) == 4
    assert is_allowed(ask(bank(), policy=policy, sample=True))
    assert is_allowed(ask(bank(capacity=capacity(source="MEASURED")), policy=policy))


@pytest.mark.parametrize(("odd_ah", "allowed"), [(204.0, True), (204.1, False)])
def test_a_policy_may_compare_with_the_rating(odd_ah: float, allowed: bool) -> None:
    policy = GatePolicy.of(Policy(capacity_basis="rating"))
    cells = bank(capacity=capacity(197.0))
    cells[0] = cell("C-1", capacity=capacity(odd_ah))

    assert is_allowed(ask(cells, policy=policy)) is allowed


# G3


def test_refuses_without_balance() -> None:
    refused = ask(spoil(balance=None, disconnect=None))

    assert {f.rule for f in blocking(refused)} == {"G3", "G4", "G5", "G7"}
    assert all(f.verdict is Verdict.MISSING and says_all(f) for f in blocking(refused))


def test_refuses_a_partial_balance() -> None:
    partial = balance(completeness="PARTIAL", tail_a=3.1, remark="stopped at 3.10 A, above 2.00 A")

    finding = only(ask(spoil(balance=partial)), "G3")

    assert (finding.value, finding.limit) == ("tail 3.10 A", "≤ 2.00 A")
    assert says_all(finding)


def test_refuses_a_balance_that_was_cut_with_the_current_off() -> None:
    cut = balance(completeness="PARTIAL", tail_a=0.0, remark="cut short; stopped by Tola")

    finding = only(ask(spoil(balance=cut)), "G3")

    assert finding.value == "tail not held"
    assert says_all(finding)


def test_refuses_a_cell_that_was_on_a_bench_after_its_balance() -> None:
    finding = only(ask(spoil(run_since=12)), "G3")

    assert finding.verdict is Verdict.MISSING
    assert says_all(finding)


@pytest.mark.parametrize("application", ["SOLAR", "STATIONARY"])
def test_refuses_a_bottom_balance_for_storage(application: str) -> None:
    found = ask(spoil(balance=balance(method="BOTTOM")), application=application)

    finding = next(f for f in blocking(found, "G3") if f.cell == "C-2")
    assert "calls for a top balance" in finding.words
    assert says_all(finding)


def test_refuses_a_top_balance_for_frequent_full_discharge() -> None:
    refused = blocking(ask(bank(), application="EV"), "G3")

    assert len(refused) == 4
    assert "calls for a bottom balance" in refused[0].words


@pytest.mark.parametrize("other", [{"target_v": 3.60}, {"policy_version": 2}])
def test_refuses_cells_that_were_balanced_differently(other: dict[str, object]) -> None:
    finding = next(f for f in blocking(ask(spoil(balance=balance(**other))), "G3"))

    assert finding.cell == ""
    assert says_all(finding)


def test_says_that_the_cells_come_from_several_banks() -> None:
    second = {"balance": balance(run_id=12), "disconnect": disconnect(run_id=12)}

    found = ask(spoil(**second))

    assert is_allowed(found)
    assert any("in 2 banks" in f.words for f in found)


# G4


def test_refuses_a_cell_at_3_59_volts() -> None:
    finding = only(ask(spoil(disconnect=disconnect(3.59))), "G4")

    assert finding.verdict is Verdict.FAIL
    assert finding.value == "3.590 V, 2 min after current stopped"
    assert finding.limit == "3.620 … 3.655 V"
    assert finding.fix is not None
    assert finding.fix.code == "quarantine"
    assert says_all(finding)


@pytest.mark.parametrize(
    ("voltage_v", "minutes", "fix"),
    [
        (3.62, 5, ""),
        (3.655, 5, ""),
        (3.6199, 5, "recharge_cell"),
        (3.60, 5, "recharge_cell"),
        (3.5999, 5, "quarantine"),
        (3.6551, 1, "measure_again"),
        (3.60, 5.1, ""),
        (3.60, 15, ""),
        (3.5999, 15, "quarantine"),
        (3.6551, 15, "measure_again"),
        (3.64, 15.02, "refresh"),
        (3.59, 16, "refresh"),
        (None, 1, "refresh"),
        (3.64, -0.1, "refresh"),
    ],
)
def test_judges_the_disconnect_check_again(
    voltage_v: float | None, minutes: float, fix: str
) -> None:
    checked = disconnect(voltage_v, timedelta(minutes=minutes))

    refused = blocking(ask(spoil(disconnect=checked)), "G4")

    assert [f.fix.code for f in refused if f.fix] == ([fix] if fix else [])
    assert all(says_all(f) for f in refused)


def test_calls_a_check_16_minutes_late_missing_and_not_failed() -> None:
    late = disconnect(3.641, timedelta(minutes=16))

    finding = only(ask(spoil(disconnect=late)), "G4")

    assert finding.verdict is Verdict.MISSING
    assert finding.value == "3.641 V, 16 min after current stopped"
    assert finding.limit == "within 15 min of current stopped"
    assert says_all(finding)


def test_refuses_the_check_of_an_older_run() -> None:
    refused = blocking(ask(spoil(disconnect=disconnect(run_id=10))))

    assert [f.rule for f in refused] == ["G4", "G5"]
    assert all(f.verdict is Verdict.MISSING for f in refused)


def test_has_no_window_for_a_bottom_balanced_cell() -> None:
    refused = blocking(ask(bank(balance=balance(method="BOTTOM")), application="EV"))

    assert {(f.rule, f.verdict) for f in refused} == {("G4", Verdict.MISSING)}


# G5


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


# G7


def note(decision: str = "", decided: timedelta = timedelta()) -> NonconformanceEvidence:
    return NonconformanceEvidence(
        61, "OTHER", "Swollen.", STOPPED, decision, STOPPED + decided if decision else None
    )


@pytest.mark.parametrize(
    ("noted", "allowed"),
    [
        (note(), False),
        (note("SCRAP"), False),
        (note("USE_AS_IS"), True),
        (note("REWORK", timedelta(minutes=10)), False),
        (note("REWORK", timedelta(minutes=-10)), True),
    ],
)
def test_refuses_while_a_nonconformance_stands(
    noted: NonconformanceEvidence, allowed: bool
) -> None:
    found = ask(spoil(nonconformances=(noted,)))

    assert is_allowed(found) is allowed
    if not allowed:
        assert says_all(only(found, "G7"))


def test_refuses_a_cell_in_another_pack() -> None:
    finding = only(ask(spoil(packed_in="P-7")), "G7")

    assert finding.value == "in P-7"
    assert says_all(finding)


def test_refuses_calibration_that_expired_when_it_measured() -> None:
    expired = calibration(valid_until=STOPPED + timedelta(minutes=1))
    scanner = instrument("scanner", calibrations=(expired,))
    meter = instrument("meter")

    finding = only(ask(spoil(balance=balance(instruments=(meter, scanner)))), "G7")

    assert finding.verdict is Verdict.FAIL
    assert "out of calibration" in finding.words
    assert says_all(finding)


def test_a_later_calibration_does_not_reach_back() -> None:
    renewed = calibration(valid_from=STOPPED + timedelta(minutes=30))

    finding = only(
        ask(spoil(disconnect=disconnect(meter=instrument(calibrations=(renewed,))))), "G7"
    )

    assert "out of calibration" in finding.words


def test_refuses_an_instrument_without_calibration() -> None:
    bare = disconnect(meter=instrument(calibrations=()))

    finding = only(ask(spoil(disconnect=bare)), "G7")

    assert finding.verdict is Verdict.MISSING
    assert says_all(finding)


def test_the_supply_needs_calibration_only_by_policy() -> None:
    supply = instrument("supply", calibrations=())
    cells = bank(balance=balance(instruments=(instrument("meter"), supply)))

    assert is_allowed(ask(cells))
    assert blocking(ask(cells, policy=GatePolicy.of(Policy(supply_calibrated=True))), "G7")


# G10 and simulation


def test_refuses_one_cell_twice() -> None:
    cells = bank(3)
    serials = ("C-1", "C-2", "C-3", "C-2")

    found = findings(plan(serials), {c.serial: c for c in cells}, POLICY, NOW)

    finding = only(found, "G10")
    assert finding.cell == "C-2"
    assert says_all(finding)


@pytest.mark.parametrize(("series", "parallel"), [(8, 1), (2, 1), (4, 2)])
def test_refuses_another_number_of_cells_than_the_design_has(series: int, parallel: int) -> None:
    assert says_all(only(ask(bank(), series=series, parallel=parallel), "G10"))


def test_refuses_an_unknown_cell() -> None:
    found = findings(plan(("C-1", "C-X")), {"C-1": cell("C-1")}, POLICY, NOW)

    assert any(f.cell == "C-X" and f.rule == "G10" for f in blocking(found))


def test_simulated_evidence_is_for_simulated_packs_only() -> None:
    cells = bank(balance=balance(simulated=True))

    assert says_all(only(ask(cells), "simulated"))
    assert is_allowed(ask(cells, simulated=True))
