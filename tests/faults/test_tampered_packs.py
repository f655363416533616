"""T4: a pack that is not as the gate decided and the audit tells is found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from shop.care.models import Recovery
from shop.care.services import open_recovery, read_pack, take_apart
from shop.evidence.models import Approval
from shop.jobs import recipes
from shop.jobs.models import Run
from shop.packs.models import GateDecision, Placement
from shop.packs.services import assemble_pack
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.tampering import change, remove
from tests.faults.verified import APPROVED, approved_run, first_fault, verify
from tests.shop.packs.factories import make_design

pytestmark = pytest.mark.django_db(transaction=True)  # assembling needs one of its own


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return the_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    """A finished run of four cells, played; its cells are approved."""
    return approved_run(cast)


@pytest.fixture
def placement(run: Run, cast: Cast) -> Placement:
    cells = [rc.cell for rc in run.run_cells.order_by("position")]
    pack = assemble_pack(
        serial="P-1",
        design=make_design(),
        cells=cells,
        customer=cast.ife,
        by=cast.bayo,
        simulated=True,
        sample=False,
        now=APPROVED + timedelta(minutes=10),
    )
    return Placement.objects.get(pack=pack, position=2)


def test_a_pack_as_the_gate_decided_is_well(placement: Placement) -> None:
    assert "1 decisions, 4 placements" in verify()


@pytest.mark.parametrize(
    ("name", "value"),
    [("findings", []), ("at", APPROVED), ("allowed", False), ("plan", {"pack": "P-1"})],
)
def test_an_edited_decision_is_named(placement: Placement, name: str, value: object) -> None:
    decision = GateDecision.objects.get()

    # A refused plan has no pack.
    also = {"pack": None} if name == "allowed" else {}
    change(GateDecision, decision.pk, **{name: value}, **also)

    assert first_fault().startswith(f"GateDecision {decision.pk}: pack P-1: its signature")


def test_a_decision_that_nobody_signed_is_named(placement: Placement, cast: Cast) -> None:
    decision = GateDecision.objects.get()
    decision.pk, decision.pack, decision.allowed = None, None, False
    decision.key, decision.signature = None, ""
    decision.save(force_insert=True)

    assert first_fault() == f"GateDecision {decision.pk}: pack P-1: is not signed"


def test_another_cell_than_the_gate_saw_is_named(placement: Placement) -> None:
    Placement.objects.filter(pk=placement.pk).update(cell=factories.make_cells(1)[0])

    found = first_fault()

    assert found.startswith(f"Placement {placement.pk}: the gate decided on another cell")


def test_a_placement_that_vanished_is_named(placement: Placement) -> None:
    """Otherwise its cell could go into a second pack unnoticed."""
    Placement.objects.filter(pk=placement.pk).delete()

    assert first_fault() == (
        f"Placement: the gate placed cell {placement.cell.serial} at 2 of P-1: it is gone"
    )


def test_a_course_that_was_taken_is_held_against_the_audit(
    placement: Placement, cast: Cast
) -> None:
    """B14: put in or cut out, it says that a pack was held, or hides that it asks for it."""
    now = APPROVED + timedelta(days=100)
    reading = read_pack(
        pack=placement.pack,
        cells_v=[3.45, 3.30, 3.45, 3.45],
        at_top=True,
        taken_at=now,
        months=None,
        measured_by="BMS app",
        by=cast.tola,
        now=now,
    )
    numbers = recipes.pack_recovery.defaults() | {"hold_h": 12.0}
    recipe = factories.make_recipe_of("pack_recovery", numbers, by=cast.sade)
    taken = open_recovery(reading=reading, recipe_version=recipe, by=cast.tola, now=now)
    verify()

    change(Recovery, taken.pk, course="HOLD")
    assert first_fault() == f"Recovery {taken.pk}: is not as the audit has it: it was changed"
    remove(Recovery, taken.pk)
    assert first_fault() == f"Recovery {taken.pk}: the audit has it and it is not there"
    taken.pk, taken.course = taken.pk + 1, "TAKE_APART"
    taken.save(force_insert=True)
    assert f"Recovery {taken.pk}: nobody made it" in first_fault()


def test_a_cell_is_not_taken_out_of_a_pack_that_stays(placement: Placement) -> None:
    with pytest.raises(IntegrityError, match="not taken apart"):
        Placement.objects.filter(pk=placement.pk).update(removed_at=APPROVED)


def test_a_cell_that_was_taken_out_of_its_pack_is_named(placement: Placement) -> None:
    """By an owner of the database, behind the trigger's back."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_placement DISABLE TRIGGER leaves_once")
        Placement.objects.filter(pk=placement.pk).update(removed_at=APPROVED)
        cursor.execute("ALTER TABLE shop_placement ENABLE ALWAYS TRIGGER leaves_once")

    assert "at 2 of P-1: it is gone" in first_fault()


def test_a_pack_that_was_taken_apart_is_well(placement: Placement, cast: Cast) -> None:
    """B15: all its cells left at once, and the audit says by whom."""
    take_apart(pack=placement.pack, words="Severe.", by=cast.sade, now=APPROVED)

    assert "4 placements" in verify()


def test_a_cell_whose_approval_vanished_is_named(placement: Placement) -> None:
    remove(Approval, Approval.objects.get(cell=placement.cell).pk)

    assert first_fault() == (
        f"Placement {placement.pk}: the evidence of cell {placement.cell.serial} "
        "that the gate saw was never approved"
    )
