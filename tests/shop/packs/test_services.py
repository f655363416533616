"""Assembling through the gate: evidence read, decided and written in one go (G1-G5, G7, G10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError

from shop.cells.models import Cell
from shop.evidence.models import Approval
from shop.evidence.queries import evidence_of_cells
from shop.packs import services
from shop.packs.findings import Verdict
from shop.packs.models import GateDecision, Placement
from shop.packs.rules import is_allowed
from shop.packs.services import GateRefusal, check_plan
from shop.quality.services import open_nonconformance
from shop.refusals import Refusal, RoleRefusal
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.race import race
from tests.shop.packs.assembling import NOW, STOPPED, assemble, good_cells, refused
from tests.shop.packs.factories import approve, charge, make_bank, make_capacity, make_design


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


def test_assembles_approved_cells_and_keeps_the_decision(cast: Cast) -> None:
    cells = good_cells(cast)

    pack = assemble(cells, cast.bayo)

    placed = pack.placements.order_by("position").values_list("position", "cell__serial")
    assert list(placed) == list(enumerate((c.serial for c in cells), start=1))
    decision = GateDecision.objects.get(pack=pack)
    assert decision.allowed
    assert decision.by == cast.bayo
    assert decision.plan["serials"] == [c.serial for c in cells]
    assert set(decision.plan["evidence_sha256"]) == {c.serial for c in cells}
    assert {f["rule"] for f in decision.findings} >= {"G1", "G2", "G3", "G4", "G5", "G7", "G10"}


def test_keeps_the_decision_of_a_refusal(cast: Cast) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells

    assert refused(cells, cast.bayo) == {"G1", "G2"}

    decision = GateDecision.objects.get()
    assert (decision.pack, decision.allowed, decision.by) == (None, False, cast.bayo)
    assert not Placement.objects.exists()


def test_checks_a_plan_and_writes_nothing(cast: Cast) -> None:
    cells = good_cells(cast)

    found = check_plan(
        design=make_design(), cells=cells, by=cast.bayo, simulated=False, sample=False, now=NOW
    )

    assert is_allowed(found)
    assert not GateDecision.objects.exists()


def test_refuses_an_approval_by_who_ran_the_job(cast: Cast) -> None:
    cells = make_bank(by=cast.sade, stopped=STOPPED).cells
    for cell in cells:
        make_capacity(cell)
    for serial, known in evidence_of_cells(cells).items():
        Approval.objects.create(
            cell=Cell.objects.get(serial=serial),
            evidence_sha256=known.sha256,
            evidence=known.body,
            approved_by=cast.sade,
            approver_role=cast.sade.role,
            at=NOW,
        )

    assert refused(cells, cast.bayo) == {"G1"}


def test_refuses_who_approved_as_who_assembles(cast: Cast) -> None:
    assert refused(good_cells(cast), cast.sade) == {"G1"}


def test_refuses_a_partial_balance(cast: Cast) -> None:
    cut = charge("partial", "stopped by Tola", tail_a=3.1)
    cells = make_bank(by=cast.tola, stopped=STOPPED, record=cut).cells
    for cell in cells:
        make_capacity(cell)

    assert refused(cells, cast.bayo) == {"G1", "G3"}


@pytest.mark.fault("36", "tail met because the output is off, or by one sample", trials=20)
@pytest.mark.parametrize("remarks", [("cut",), ("stopped by Tola",), ("partial",)])
def test_a_current_that_fell_with_the_output_is_no_tail(
    cast: Cast, remarks: tuple[str, ...], trial: Trial
) -> None:
    """The bench's own end rule holds the tail for minutes with the output proven on (B2)."""
    dark = charge(*remarks, tail_a=0.0)
    made = make_bank(by=cast.tola, stopped=STOPPED, record=dark)
    for cell in made.cells:
        make_capacity(cell)

    assert made.balance is not None
    trial.happened(made.balance.tail_a < made.balance.done_a)
    assert made.balance.completeness == "PARTIAL"
    assert refused(made.cells, cast.bayo) == {"G1", "G3"}


def test_refuses_a_cell_at_3_59_volts_and_quarantines_it(cast: Cast) -> None:
    volts = [3.641, 3.641, 3.59, 3.641]
    made = make_bank(by=cast.tola, stopped=STOPPED, volts=volts)
    for cell in made.cells:
        make_capacity(cell)

    assert refused(made.cells, cast.bayo) == {"G1", "G4", "G6"}


def test_calls_a_check_16_minutes_late_missing(cast: Cast) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED, age=timedelta(minutes=16)).cells

    found = check_plan(
        design=make_design(), cells=cells, by=cast.bayo, simulated=False, sample=False, now=NOW
    )

    assert {f.verdict for f in found if f.rule == "G4"} == {Verdict.MISSING}


def test_refuses_four_hours_and_one_second_without_recheck(cast: Cast) -> None:
    cells = good_cells(cast)
    limit = STOPPED + timedelta(hours=4)

    assert refused(cells, cast.bayo, now=limit + timedelta(seconds=1)) == {"G5"}
    assert assemble(cells, cast.bayo, now=limit).serial == "P-1"


def test_refuses_a_cell_in_another_pack(cast: Cast) -> None:
    cells, others = good_cells(cast), good_cells(cast)
    assemble(cells, cast.bayo)

    # Of another station besides: its meter is another one (G6).
    assert refused([cells[0], *others[1:]], cast.bayo, serial="P-2") == {"G6", "G7"}


def test_refuses_calibration_that_was_not_valid_when_it_measured(cast: Cast) -> None:
    made = make_bank(by=cast.tola, stopped=STOPPED, calibrated=False)
    for cell in made.cells:
        make_capacity(cell)
    for instrument in made.run.station.instruments.all():
        factories.calibrate(instrument, now=STOPPED - timedelta(days=400), days=365.0)
    approve(made.cells, by=cast.sade, now=NOW)

    assert refused(made.cells, cast.bayo) == {"G7"}


def test_a_renewed_calibration_leaves_approvals_standing(cast: Cast) -> None:
    cells = good_cells(cast)
    for instrument in cells[0].runs.get().station.instruments.all():
        factories.calibrate(instrument, now=NOW, since_days=0.0)

    assert assemble(cells, cast.bayo).serial == "P-1"


def test_refuses_without_capacity_test(cast: Cast) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells
    for cell in cells[1:]:
        make_capacity(cell)

    assert refused(cells, cast.bayo) == {"G1", "G2"}


def test_refuses_a_capacity_spread_of_2_1_percent(cast: Cast) -> None:
    cells = make_bank(by=cast.tola, stopped=STOPPED).cells
    for cell, capacity_ah in zip(cells, (200.0, 200.0, 200.0, 204.2), strict=True):
        make_capacity(cell, capacity_ah)
    approve(cells, by=cast.sade, now=NOW)

    assert refused(cells, cast.bayo) == {"G2"}


def test_refuses_another_method_than_the_application_calls_for(cast: Cast) -> None:
    cells = good_cells(cast)

    assert refused(cells, cast.bayo, design=make_design(application="EV")) == {"G3"}


def test_refuses_evidence_that_changed_after_the_approval(cast: Cast) -> None:
    cells = good_cells(cast)
    make_capacity(cells[0], 199.0, tested_at=STOPPED - timedelta(hours=5))

    assert refused(cells, cast.bayo) == {"G1"}


def test_refuses_a_cell_with_an_open_nonconformance(cast: Cast) -> None:
    cells = good_cells(cast)
    open_nonconformance(cell=cells[0], kind="OTHER", words="Swollen.", now=NOW)

    assert refused(cells, cast.bayo) == {"G1", "G7"}


def test_refuses_a_cell_that_went_back_on_a_bench(cast: Cast) -> None:
    cells = good_cells(cast)
    make_bank(by=cast.tola, stopped=STOPPED + timedelta(minutes=30), cells=cells)

    assert refused(cells, cast.bayo) == {"G1"}


def test_refuses_one_cell_twice(cast: Cast) -> None:
    cells = good_cells(cast)

    assert refused([*cells[:3], cells[0]], cast.bayo) == {"G10"}


def test_refuses_simulated_evidence_for_a_real_pack(cast: Cast) -> None:
    cells = good_cells(cast, simulated=True)

    assert refused(cells, cast.bayo) == {"simulated"}
    assert assemble(cells, cast.bayo, simulated=True).simulated


@pytest.mark.parametrize("serial", ["", "a b", "x" * 65, "-1", "p/1"])
def test_refuses_a_serial_that_no_label_can_carry(cast: Cast, serial: str) -> None:
    with pytest.raises(Refusal, match="not a pack serial"):
        assemble([], cast.bayo, serial=serial)


def test_refuses_a_serial_twice(cast: Cast) -> None:
    assemble(good_cells(cast), cast.bayo)

    with pytest.raises(Refusal, match="already"):
        assemble(good_cells(cast), cast.bayo)


def test_refuses_a_stranger(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        assemble([], cast.stranger)


def test_refuses_without_a_policy(cast: Cast) -> None:
    with pytest.raises(Refusal, match="No policy"):
        assemble(factories.make_cells(4), cast.bayo)


@pytest.mark.fault("40", "eight people put one cell into packs of their own", trials=1)
def test_one_cell_in_two_packs_at_once_one_wins_50_of_50(cast: Cast, trial: Trial) -> None:
    """G10: eight threads, each with a plan of its own that shares one cell, one pack each round."""
    rounds, threads = 50, 8
    design = make_design(series=1, name="one cell")
    contested = good_cells(cast, rounds)

    def contender(thread: int) -> Callable[[int], str]:
        def attempt(number: int) -> str:
            try:
                assemble(
                    [contested[number]], cast.bayo, serial=f"P-{number}-{thread}", design=design
                )
            except GateRefusal as refusal:
                return " ".join(problem.code for problem in refusal.problems)
            return "won"

        return attempt

    results = race([contender(thread) for thread in range(threads)], rounds=rounds)

    trial.times = rounds
    trial.happened(all(len(round_) == threads for round_ in results))
    assert [sorted(round_) for round_ in results] == [["G7"] * (threads - 1) + ["won"]] * rounds
    assert Placement.objects.filter(removed_at=None).count() == rounds
    assert GateDecision.objects.filter(allowed=False).count() == rounds * (threads - 1)


def test_gives_up_in_words_when_others_always_come_between(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, tries = good_cells(cast), []

    def conflict(*_: object) -> None:
        tries.append(1)
        error = OperationalError("could not serialize access")
        error.__cause__ = type("Cause", (Exception,), {"sqlstate": "40001"})()
        raise error

    monkeypatch.setattr(services, "_place", conflict)

    with pytest.raises(Refusal, match="try again"):
        assemble(cells, cast.bayo)
    assert len(tries) == 5


def test_lets_another_database_error_through(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(services, "_place", broken)

    with pytest.raises(OperationalError):
        assemble(good_cells(cast), cast.bayo)
