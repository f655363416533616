"""G7: nothing stands against a cell, no other pack has it, its instruments were calibrated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.evidence.policy import GatePolicy
from shop.evidence.values import CellEvidence, NonconformanceEvidence
from shop.jobs.policies import Policy
from shop.packs.findings import Verdict
from shop.packs.rules import is_allowed
from tests.shop.evidence.builders import (
    STOPPED,
    balance,
    calibration,
    cell,
    disconnect,
    instrument,
    recheck,
)
from tests.shop.packs.gate import ask, bank, blocking, only, says_all, spoil


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
    others = (instrument("meter"), instrument("supply"))

    finding = only(ask(spoil(balance=balance(instruments=(*others, scanner)))), "G7")

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


def test_the_supply_needs_calibration_unless_the_policy_leaves_it_out() -> None:
    supply = instrument("supply", calibrations=())
    meters = (instrument("meter"), instrument("scanner"))
    cells = bank(balance=balance(instruments=(*meters, supply)))

    assert blocking(ask(cells), "G7")
    assert is_allowed(ask(cells, policy=GatePolicy.of(Policy(supply_calibrated=False))))


@pytest.mark.parametrize("role", ["meter", "scanner", "supply"])
def test_a_role_that_the_manifest_does_not_name_is_missing(role: str) -> None:
    kept = tuple(use for use in balance().instruments if use.role != role)

    finding = only(ask(spoil(balance=balance(instruments=kept))), "G7")

    assert (finding.verdict, finding.value) == (Verdict.MISSING, f"no {role}")
    assert says_all(finding)


def test_a_recheck_that_counts_needs_a_calibrated_meter_too() -> None:
    """G5 by way of G7; one from before the disconnect check decides nothing."""
    volts: dict[str, float | None] = {f"C-{n}": 3.40 for n in range(1, 5)}
    lapsed = instrument(calibrations=(calibration(valid_until=STOPPED),))

    def rechecked(hours: float) -> list[CellEvidence]:
        at = STOPPED + timedelta(hours=hours)
        return [cell(name, recheck=recheck(volts, name, at=at, meter=lapsed)) for name in volts]

    refused = blocking(ask(rechecked(5.0), now=STOPPED + timedelta(hours=6)))
    assert {f.rule for f in refused} == {"G7"}
    assert len(refused) == 4
    assert is_allowed(ask(rechecked(-5.0), now=STOPPED + timedelta(hours=1)))
