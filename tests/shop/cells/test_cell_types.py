"""Cell types as their datasheets have them: named once, added to, never changed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.db import IntegrityError

from shop.audit.models import AuditEntry
from shop.cells.cell_types import define_cell_type, say_more
from shop.cells.models import CellType
from shop.jobs.planning import plan
from shop.people.models import User
from shop.refusals import Refusal, RoleRefusal
from stations.procedures.steps import Instruct
from tests import factories
from tests.cast import Cast

NOON = factories.NOON


def define(
    by: User, figures: Mapping[str, float | None] | None = None, *, datasheet: str = "rev. B"
) -> CellType:
    return define_cell_type(
        maker="Eve",
        model="LF280K",
        datasheet=datasheet,
        figures={"capacity_ah": 280, **(figures or {})},
        by=by,
        now=NOON,
    )


def test_a_type_says_what_its_datasheet_says_and_the_audit_repeats_it(cast: Cast) -> None:
    made = define(cast.sade, {"discharge_c_max": 1.0, "torque_nm": 6.0})

    stored = CellType.objects.get()
    assert (stored.charge_c_max, stored.discharge_c_max, stored.torque_nm) == (0.5, 1.0, 6.0)
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.data["record"]["id"]) == ("CELL_TYPE_DEFINED", made.pk)
    assert entry.data["record"]["torque_nm"] == 6_000_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capacity_ah", float("nan")),
        ("capacity_ah", -1.0),
        ("capacity_ah", None),
        ("charge_voltage_max_v", 4.2),
        ("discharge_c_max", 0.0),
        ("discharge_c_max", float("nan")),
        ("torque_nm", 0.4),
        ("torque_nm", 31.0),
        ("torque_nm", float("inf")),
    ],
)
def test_refuses_a_figure_that_no_lifepo4_cell_has_by_its_name(
    cast: Cast, name: str, value: float | None
) -> None:
    with pytest.raises(Refusal) as caught:
        define(cast.sade, {name: value})

    assert [problem.about for problem in caught.value.problems] == [name]
    assert not CellType.objects.exists()
    assert not AuditEntry.objects.exists()


def test_refuses_a_type_without_a_named_datasheet_and_one_that_is_known(cast: Cast) -> None:
    with pytest.raises(Refusal, match="no named datasheet"):
        define(cast.sade, datasheet="  ")
    define(cast.sade)

    with pytest.raises(Refusal, match="known already"):
        define(cast.sade)

    define(cast.sade, datasheet="rev. C")
    assert CellType.objects.count() == AuditEntry.objects.count() == 2


def test_what_a_type_left_unsaid_is_added_once_and_never_changed(cast: Cast) -> None:
    made = define(cast.sade, {"discharge_c_max": 1.0})

    say_more(cell_type=made, figures={"torque_nm": 6}, by=cast.sade, now=NOON)

    for figures, code in (
        ({"torque_nm": 8.0}, "said_already"),
        ({"discharge_c_max": 2.0}, "said_already"),
        ({"torque_nm": None}, "nothing_said"),
        ({"charge_c_max": 1.0}, "nothing_said"),
    ):
        with pytest.raises(Refusal) as caught:
            say_more(cell_type=made, figures=figures, by=cast.sade, now=NOON)
        assert [problem.code for problem in caught.value.problems] == [code]
    stored = CellType.objects.get()
    assert (stored.torque_nm, stored.discharge_c_max, stored.charge_c_max) == (6.0, 1.0, 0.5)
    assert AuditEntry.objects.filter(kind="CELL_TYPE_COMPLETED").count() == 1


def test_a_technician_names_no_type_and_adds_nothing(cast: Cast) -> None:
    with pytest.raises(RoleRefusal):
        define(cast.tola)
    with pytest.raises(RoleRefusal):
        say_more(cell_type=define(cast.sade), figures={"torque_nm": 6.0}, by=cast.tola, now=NOON)


def test_the_database_takes_no_torque_that_no_nut_has(cast: Cast) -> None:
    made = factories.make_cell_type()
    made.torque_nm = 40.0

    with pytest.raises(IntegrityError, match="cell_type_torque"):
        made.save()


@pytest.mark.parametrize(
    ("torque_nm", "words"),
    [
        (None, "Torque each nut as the cell's datasheet says."),
        (6.0, "Torque each nut to 6 N·m, as the cell's datasheet says."),
    ],
)
def test_the_plan_of_a_job_names_the_torque_that_the_type_says(
    cast: Cast, torque_nm: float | None, words: str
) -> None:
    known = define(cast.sade, {"torque_nm": torque_nm})
    cells = factories.make_cells(4, batch=factories.make_batch(cell_type=known))
    job = factories.make_job(by=cast.tola, cells=cells)

    program = plan(job, factories.make_station()).program

    assert [s.name for s in program.steps if isinstance(s, Instruct) and words in s.text] == [
        "connect"
    ]
