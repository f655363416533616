"""From a virtual bench's own records to a pack: what the bench writes is what the gate reads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.cells.models import Cell
from shop.evidence.queries import evidence_of
from shop.evidence.services.balances import record_balance
from shop.evidence.services.checks import record_voltage_check
from shop.packs.models import Pack
from shop.packs.services import GateRefusal, assemble_pack
from shop.quality.models import Nonconformance
from stations.model.bank import Bank, Wiring
from stations.model.cell import cell_of
from stations.procedures.actions import Outcome
from stations.runner import begun
from stations.runner import run as play
from stations.values import OffProof
from stations.virtual import ATTENTIVE, Act, VirtualBench
from tests import factories
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import approve, make_capacity, make_design, make_finished_run
from tests.stations.procedures.scripted import program


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    return the_cast()


def night(*acts: Act) -> Outcome:
    """Four cells from 95 % to their disconnect check, in seconds."""
    bank = Bank([cell_of(200.0)] * 4, Wiring(), soc=(0.95,) * 4, linked=False, fed=False)
    bench = VirtualBench(bank, person=acts or ATTENTIVE, sample_s=12.0)
    return play(begun(program(), bench.clock.now()), bench)


def stopped_of(outcome: Outcome) -> OffProof:
    assert outcome.run.current_stopped is not None
    return outcome.run.current_stopped


def recorded(outcome: Outcome, cast: Cast) -> list[Cell]:
    """The cells of the run that this outcome belongs to, with its evidence."""
    stopped = stopped_of(outcome)
    run, manifest = make_finished_run(
        by=cast.tola,
        cells=factories.make_cells(4),
        began=stopped.received_at - timedelta(hours=5),
        simulated=True,
    )
    now = stopped.received_at + timedelta(minutes=30)
    for record in outcome.run.records:
        if record.cells:
            record_voltage_check(
                run=run,
                kind="DISCONNECT" if record.step == "disconnect" else "PRE_PARALLEL",
                meter=run.station.instruments.get(role="scanner"),
                target_v=outcome.run.program.target_v,
                results=record.cells,
                current_stopped=stopped if record.step == "disconnect" else None,
                simulated=True,
                now=now,
            )
    record_balance(
        run=run,
        method="TOP",
        target_v=outcome.run.program.target_v,
        records=outcome.run.records,
        manifest_sha256=manifest.sha256,
        simulated=True,
        now=now,
    )
    cells = [rc.cell for rc in run.run_cells.order_by("position")]
    for cell in cells:
        make_capacity(cell, tested_at=now - timedelta(days=9))
    return cells


def assemble(cells: list[Cell], outcome: Outcome, cast: Cast) -> Pack:
    return assemble_pack(
        serial="P-1",
        design=make_design(),
        cells=cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=True,
        sample=False,
        now=stopped_of(outcome).received_at + timedelta(hours=1),
    )


def test_a_whole_night_ends_in_a_pack(cast: Cast) -> None:
    outcome = night()
    cells = recorded(outcome, cast)
    approve(cells, by=cast.sade, now=stopped_of(outcome).received_at + timedelta(minutes=40))

    pack = assemble(cells, outcome, cast)

    known = evidence_of(cells[0])
    assert pack.placements.count() == 4
    assert known.balance is not None
    assert (known.balance.completeness, known.packed_in) == ("COMPLETE", "P-1")
    assert known.pre_parallel is not None
    assert not Nonconformance.objects.exists()


def test_a_stopped_night_is_partial_and_refused(cast: Cast) -> None:
    outcome = night(*ATTENTIVE, Act("balance", 2.8 * 3600.0, says="stop"))
    cells = recorded(outcome, cast)

    with pytest.raises(GateRefusal) as caught:
        assemble(cells, outcome, cast)

    assert outcome.kind == "STOPPED"
    assert {"G3", "G4"} <= {problem.code for problem in caught.value.problems}
    known = evidence_of(cells[0])
    assert known.balance is not None
    assert known.balance.completeness == "PARTIAL"


def test_a_person_who_comes_late_leaves_a_missing_check(cast: Cast) -> None:
    outcome = night(*ATTENTIVE[:2], Act("unlink", 16 * 60.0, hands="part"))
    cells = recorded(outcome, cast)

    with pytest.raises(GateRefusal) as caught:
        assemble(cells, outcome, cast)

    late = [f for f in caught.value.findings if f.rule == "G4"]
    assert {f.verdict for f in late} == {"missing"}
    assert not Nonconformance.objects.exists()
