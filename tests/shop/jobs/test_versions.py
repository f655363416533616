"""Versions of recipes and policy: described, bounded, compared, with a reason, retired, audited."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from shop.audit.models import AuditEntry
from shop.jobs.fields import differences, policy_fields, recipe_fields, values_of
from shop.jobs.models import PolicyVersion, RecipeRetirement, RecipeVersion
from shop.jobs.planning import plan
from shop.jobs.policies import policy_defaults
from shop.jobs.procedures import PROCEDURES, procedure_of
from shop.jobs.services.orders import create_job
from shop.jobs.services.starts import start_run
from shop.jobs.versions import retire_recipe, store_policy, store_recipe
from shop.refusals import Refusal, RoleRefusal, StaleTransition
from tests import factories
from tests.cast import Cast
from tests.factories import NOON

UNITS = {"v": "V", "s": "s", "c": "C", "ohm": "ohm", "k": "K", "a": "A", "degc": "°C"}
EVERY = {name: recipe_fields(name) for name in PROCEDURES} | {"policy": policy_fields()}


@pytest.mark.parametrize("of", EVERY)
def test_every_field_says_what_it_is_with_unit_source_and_bounds(of: str) -> None:
    """One that is new and not described has no place in the table: `recipe_fields` fails."""
    for field in EVERY[of]:
        assert field.does.endswith("."), field.name
        assert field.source, field.name
        assert field.unit == UNITS.get(field.name.rpartition("_")[2], field.unit), field.name
        if isinstance(field.default, str):
            assert field.default in field.choices, field.name
        elif not isinstance(field.default, bool):
            assert field.bounds is not None, field.name
            assert field.bounds.contains(field.default), field.name


def test_two_versions_differ_in_what_they_say_and_what_they_leave_out() -> None:
    known = recipe_fields("parallel_top_balance")

    found = differences(known, {"target_v": 3.65}, {"target_v": 3.60, "tail_basis": "cell"})

    assert [(d.field.name, d.old, d.new) for d in found] == [
        ("target_v", 3.65, 3.60),
        ("tail_basis", "bank", "cell"),
    ]
    assert differences(known, {}, values_of(known, {})) == []


def test_all_that_is_wrong_is_refused_at_once_beside_its_field(cast: Cast) -> None:
    store_recipe(name="Top", parameters={}, by=cast.sade, now=NOON)
    wrong = {"target_v": "x", "done_c": 0.01, "full_rating_allowed": 3, "tail_basis": "pack"}

    with pytest.raises(Refusal) as caught:
        store_recipe(name="Top", parameters=wrong, by=cast.sade, now=NOON)

    about = {problem.about for problem in caught.value.problems}
    assert about == {"target_v", "done_c", "full_rating_allowed", "tail_basis", "reason"}
    assert RecipeVersion.objects.count() == 1


def test_a_change_has_a_reason_and_the_audit_repeats_it(cast: Cast) -> None:
    store_policy(parameters=policy_defaults(), by=cast.sade, now=NOON)
    store_recipe(name="Top", parameters={}, by=cast.sade, now=NOON)
    with pytest.raises(Refusal, match="A change has a reason"):
        store_policy(parameters={"fresh_s": 7200.0}, by=cast.sade, now=NOON)

    policy = store_policy(
        parameters={"fresh_s": 7200.0}, by=cast.sade, now=NOON, reason="Hot days."
    )
    recipe = store_recipe(
        name="Top", parameters={"target_v": 3.6}, by=cast.sade, now=NOON, reason="BMS at 3.60."
    )

    told = {e.kind: e.data["record"].get("reason") for e in AuditEntry.objects.order_by("number")}
    assert (policy.version, recipe.version) == (2, 2)
    assert told == {"POLICY_STORED": "Hot days.", "RECIPE_STORED": "BMS at 3.60."}


def test_a_retired_version_makes_no_new_job_and_its_old_one_still_starts(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    version = factories.make_recipe_version(by=cast.sade)
    claimed = factories.make_job(
        by=cast.tola, recipe_version=version, claimed_at=factories.make_station()
    )

    retire_recipe(version=version, words="The tail was too high.", by=cast.sade, now=NOON)

    with pytest.raises(Refusal, match="is retired: The tail was too high"):
        create_job(recipe_version=version, cells=factories.make_cells(2), by=cast.tola, now=NOON)
    assert start_run(job=claimed, by=cast.tola, now=NOON).job == claimed
    assert AuditEntry.objects.get().kind == AuditEntry.Kind.RECIPE_RETIRED


def test_a_version_is_retired_once_by_a_supervisor_with_a_reason(cast: Cast) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    with pytest.raises(RoleRefusal):
        retire_recipe(version=version, words="x", by=cast.tola, now=NOON)
    with pytest.raises(Refusal, match="reason"):
        retire_recipe(version=version, words=" ", by=cast.sade, now=NOON)

    retire_recipe(version=version, words="x", by=cast.sade, now=NOON)
    with pytest.raises(StaleTransition):
        retire_recipe(version=version, words="x", by=cast.sade, now=NOON)


def test_the_database_keeps_a_retirement_as_it_is(cast: Cast) -> None:
    version = factories.make_recipe_version(by=cast.sade)
    made = retire_recipe(version=version, words="x", by=cast.sade, now=NOON)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        RecipeRetirement.objects.filter(pk=made.pk).update(words="y")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PolicyVersion.objects.create(version=1, parameters={}, created_by=cast.sade).delete()


def test_a_plan_keeps_to_what_the_cells_datasheet_allows(cast: Cast) -> None:
    slow = factories.make_cell_type(capacity_ah=20.0)
    slow.charge_c_max = 0.05
    slow.save()
    cells = factories.make_cells(2, batch=factories.make_batch(cell_type=slow))
    job = factories.make_job(by=cast.tola, cells=cells)

    with pytest.raises(Refusal, match=r"more than the 0\.05C that the cell's datasheet allows"):
        plan(job, factories.make_station())


def test_each_procedure_stores_its_own_defaults() -> None:
    for name in PROCEDURES:
        recipe = procedure_of(name).recipe
        recipe.recipe_of(recipe.defaults())
