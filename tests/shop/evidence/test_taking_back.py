"""Nothing is edited: a record is superseded, a calibration withdrawn, once, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shop.audit.models import AuditEntry
from shop.equipment.models import Calibration, CalibrationWithdrawal
from shop.equipment.queries import calibrations_in_force
from shop.evidence.models import CapacityTest, Supersession
from shop.evidence.queries import evidence_of_cells, gate_policy
from shop.evidence.rules.approval import approval_problems
from shop.evidence.taking_back import Record, supersede, withdraw
from shop.evidence.values import CellEvidence
from shop.packs.findings import Finding
from shop.packs.services import check_plan
from shop.refusals import Refusal, RoleRefusal, StaleTransition
from shop.shelf.queries import shelf
from shop.shelf.rules import State
from tests import factories
from tests.cast import Cast
from tests.faults.matrix import Trial
from tests.shop.packs.factories import (
    Bank,
    approve,
    bank_of,
    make_bank,
    make_capacity,
    make_design,
    make_finished_run,
)

STOPPED = factories.NOON
NOW = STOPPED + timedelta(hours=1)
WORDS = "The scanner's card was loose."


@pytest.fixture
def bank(cast: Cast) -> Bank:
    """Four cells that the gate has nothing against."""
    made = make_bank(by=cast.tola, stopped=STOPPED)
    for cell in made.cells:
        make_capacity(cell)
    approve(made.cells, by=cast.sade, now=STOPPED + timedelta(minutes=20))
    return made


def blocking(bank: Bank, cast: Cast) -> list[Finding]:
    found = check_plan(
        design=make_design(),
        cells=bank.cells,
        by=cast.bayo,
        simulated=False,
        sample=False,
        now=NOW,
    )
    return [finding for finding in found if finding.blocks]


def evidence(bank: Bank) -> CellEvidence:
    """Of the first cell."""
    return evidence_of_cells(bank.cells)[bank.cells[0].serial]


def the_balance(bank: Bank) -> Record:
    assert bank.balance is not None
    return bank.balance


def the_check(bank: Bank) -> Record:
    assert bank.check is not None
    return bank.check


def the_test(bank: Bank) -> Record:
    return CapacityTest.objects.get(cell=bank.cells[0])


@pytest.mark.parametrize(
    ("record", "rule", "cells"), [(the_balance, "G3", 4), (the_check, "G4", 4), (the_test, "G2", 1)]
)
def test_what_was_superseded_blocks_its_own_rule_and_voids_the_approval(
    bank: Bank, cast: Cast, record: Callable[[Bank], Record], rule: str, cells: int
) -> None:
    assert blocking(bank, cast) == []

    supersede(record=record(bank), words=WORDS, by=cast.sade, now=NOW)

    found = blocking(bank, cast)
    named = [f for f in found if f.rule == rule and "loose" in f.words]
    assert len(named) == cells
    assert all(f.fix and "again" in f.fix.words for f in named)
    assert {f.rule for f in found} == {rule, "G1"}


@pytest.mark.parametrize("record", [the_balance, the_check, the_test])
def test_nobody_approves_what_was_superseded(
    bank: Bank, cast: Cast, record: Callable[[Bank], Record]
) -> None:
    supersede(record=record(bank), words=WORDS, by=cast.sade, now=NOW)
    seen = evidence(bank)

    found = approval_problems(
        seen,
        approver=cast.kemi.pk,
        approver_role=cast.kemi.role,
        seen_sha256=seen.sha256,
        policy=gate_policy()[1],
        now=NOW,
    )

    assert [problem.code for problem in found] == ["taken_back"]
    assert State.ASIDE in {line.state for line in shelf(now=NOW)}


def test_the_record_stays_as_it_was_and_says_who_and_why(bank: Bank, cast: Cast) -> None:
    made = supersede(record=the_balance(bank), words=f"  {WORDS} ", by=cast.sade, now=NOW)

    assert (made.by, made.at, made.words) == (cast.sade, NOW, WORDS)
    back = evidence(bank).balance
    assert back is not None
    assert back.superseded is not None
    assert (back.completeness, back.superseded.words) == ("COMPLETE", WORDS)
    entry = AuditEntry.objects.get(kind="SUPERSEDED")
    assert (entry.by, entry.data["record"]["words"]) == (cast.sade, WORDS)


def test_a_newer_balance_takes_the_place_of_the_one_that_was_superseded(
    bank: Bank, cast: Cast
) -> None:
    supersede(record=the_balance(bank), words=WORDS, by=cast.sade, now=NOW)
    again = make_bank(by=cast.tola, stopped=NOW - timedelta(minutes=5), cells=bank.cells)
    approve(again.cells, by=cast.sade, now=NOW)

    assert blocking(again, cast) == []


def test_an_older_balance_does_not_come_back_in_its_place(bank: Bank, cast: Cast) -> None:
    again = make_bank(by=cast.tola, stopped=NOW - timedelta(minutes=5), cells=bank.cells)
    approve(again.cells, by=cast.sade, now=NOW)

    supersede(record=the_balance(again), words=WORDS, by=cast.sade, now=NOW)

    assert {f.rule for f in blocking(bank, cast)} == {"G1", "G3"}


def test_an_older_capacity_test_does(bank: Bank, cast: Cast) -> None:
    """A cell's capacity of last month is as true as it was."""
    newer = make_capacity(bank.cells[0], 199.5, tested_at=STOPPED)

    supersede(record=newer, words=WORDS, by=cast.sade, now=NOW)

    known = evidence(bank).capacity
    assert known is not None
    assert (known.capacity_ah, known.superseded) == (200.0, None)


def test_only_a_supervisor_and_only_with_a_reason(bank: Bank, cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        supersede(record=the_balance(bank), words=WORDS, by=cast.tola, now=NOW)
    for words in ("", "  ", "x" * 501):
        with pytest.raises(Refusal, match="with a reason"):
            supersede(record=the_balance(bank), words=words, by=cast.sade, now=NOW)

    assert not Supersession.objects.exists()
    assert not AuditEntry.objects.exists()


def test_once_and_no_more(bank: Bank, cast: Cast) -> None:
    supersede(record=the_balance(bank), words=WORDS, by=cast.sade, now=NOW)

    with pytest.raises(StaleTransition):
        supersede(record=the_balance(bank), words="Again.", by=cast.kemi, now=NOW)

    assert Supersession.objects.get().words == WORDS
    assert AuditEntry.objects.count() == 1


# calibration


def certificate(bank: Bank, role: str = "scanner") -> Calibration:
    return Calibration.objects.get(instrument__station=bank.run.station, instrument__role=role)


@pytest.mark.parametrize("role", ["scanner", "meter", "supply"])
def test_a_withdrawn_calibration_voids_what_it_measured(bank: Bank, cast: Cast, role: str) -> None:
    withdraw(calibration=certificate(bank, role), words="Found 9 mV off.", by=cast.sade, now=NOW)

    found = blocking(bank, cast)

    assert {f.rule for f in found if "9 mV off" in f.words} == {"G7"}
    assert {f.rule for f in found} == {"G1", "G7"}


@pytest.mark.fault("35", "calibration withdrawn while it measures", trials=20)
def test_a_calibration_withdrawn_during_the_run_voids_what_comes_of_it(
    cast: Cast, trial: Trial
) -> None:
    """The run goes on and its verdict is kept; the gate knows better."""
    run, manifest = make_finished_run(
        by=cast.tola, cells=factories.make_cells(4), began=STOPPED - timedelta(hours=4)
    )
    scanner = run.station.instruments.get(role="scanner")
    withdraw(
        calibration=scanner.calibrations.get(),
        words="9 mV off.",
        by=cast.sade,
        now=STOPPED - timedelta(hours=1),
    )
    bank = bank_of(run, manifest, stopped=STOPPED)
    for cell in bank.cells:
        make_capacity(cell)

    assert bank.balance is not None
    trial.happened(bank.balance.recorded_at > CalibrationWithdrawal.objects.get().at)
    assert bank.balance.completeness == "COMPLETE"
    assert {f.rule for f in blocking(bank, cast)} == {"G1", "G7"}


def test_another_certificate_that_covers_that_day_makes_it_count_again(
    bank: Bank, cast: Cast
) -> None:
    withdrawn = certificate(bank)
    withdraw(calibration=withdrawn, words="Wrong laboratory.", by=cast.sade, now=NOW)
    factories.calibrate(withdrawn.instrument, now=STOPPED)
    approve(bank.cells, by=cast.sade, now=NOW)

    assert blocking(bank, cast) == []


def test_a_withdrawn_calibration_is_not_in_force_for_the_next_start(bank: Bank, cast: Cast) -> None:
    withdrawn = certificate(bank)
    station, key = withdrawn.instrument.station, withdrawn.instrument_id
    assert station is not None
    assert key in calibrations_in_force(station, NOW)

    withdraw(calibration=withdrawn, words="Dropped.", by=cast.sade, now=NOW)

    assert key not in calibrations_in_force(station, NOW)


def test_a_calibration_is_withdrawn_once_by_a_supervisor(bank: Bank, cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        withdraw(calibration=certificate(bank), words="x", by=cast.bayo, now=NOW)
    withdraw(calibration=certificate(bank), words="Dropped.", by=cast.sade, now=NOW)
    with pytest.raises(StaleTransition):
        withdraw(calibration=certificate(bank), words="Again.", by=cast.kemi, now=NOW)

    assert AuditEntry.objects.get().kind == "WITHDRAWN"


def test_a_calibration_of_another_instrument_changes_nothing(bank: Bank, cast: Cast) -> None:
    other = factories.make_station().instruments.get(role="scanner").calibrations.get()

    withdraw(calibration=other, words="Dropped.", by=cast.sade, now=NOW)

    assert blocking(bank, cast) == []
