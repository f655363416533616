"""Recipes and policy on the pages: every field, what differs, a form that loses nothing."""

from __future__ import annotations

from django.test import Client

from shop.jobs.models import PolicyVersion, RecipeVersion
from shop.jobs.policies import policy_defaults
from shop.jobs.recipes import top_balance
from shop.jobs.versions import store_policy, store_recipe
from tests.api.clients import text
from tests.cast import Cast
from tests.factories import NOON


def stored(cast: Cast) -> RecipeVersion:
    return store_recipe(name="Top", parameters=top_balance.defaults(), by=cast.sade, now=NOON)


def as_typed(**changes: str) -> dict[str, str]:
    """The form as it comes, with changes; what is not ticked is not sent."""
    values = {k: str(v) for k, v in top_balance.defaults().items() if not isinstance(v, bool)}
    return values | {"reason": "A lower target.", "once": "k"} | changes


def test_a_version_shows_every_field_with_default_bounds_and_source(
    cast: Cast, technician: Client
) -> None:
    version = stored(cast)

    shown = text(technician.get(f"/recipe/{version.pk}"))

    assert "The full voltage that every cell is charged to and held at. target_v 3.65 V" in shown
    assert "3.5 V … 3.65 V [A] step 2, [B] 4.3" in shown
    assert "43200 s (12 h)" in shown
    assert "New version" not in shown
    assert "Retire" not in shown
    assert f"/recipe/{version.pk}" in technician.get("/recipes").content.decode()


def test_a_supervisor_stores_a_new_version_from_an_old_one(cast: Cast, supervisor: Client) -> None:
    first = stored(cast)
    path = f"/recipe/{first.pk}/new"
    assert 'value="3.65"' in supervisor.get(path).content.decode()

    done = supervisor.post(path, as_typed(target_v="3.6", full_rating_allowed="on"))

    second = RecipeVersion.objects.get(version=2)
    assert (done.status_code, done["Location"]) == (303, f"/recipe/{second.pk}")
    assert second.parameters == top_balance.defaults() | {
        "target_v": 3.6,
        "full_rating_allowed": True,
    }
    differs = text(supervisor.get(f"/recipe/{second.pk}/since/{first.pk}"))
    assert "target_v 3.65 V 3.6 V" in differs
    assert "full_rating_allowed no yes" in differs
    assert "done_c" not in differs


def test_what_was_typed_wrong_is_said_beside_each_field_and_nothing_is_lost(
    cast: Cast, supervisor: Client
) -> None:
    path = f"/recipe/{stored(cast).pk}/new"

    answer = supervisor.post(
        path, as_typed(target_v="3,6", done_c="9", dwell_s="240", reason="", once="j")
    )

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "3 fields cannot be stored as typed" in text(answer)
    assert "'target_v' must be a number" in text(answer)
    assert "'done_c' is 9.0, outside" in text(answer)
    assert 'value="3,6"' in html
    assert 'value="240"' in html
    assert RecipeVersion.objects.count() == 1


def test_the_policy_has_the_same_pages(cast: Cast, supervisor: Client) -> None:
    store_policy(parameters=policy_defaults(), by=cast.sade, now=NOON)
    values = {k: str(v) for k, v in policy_defaults().items() if not isinstance(v, bool)}

    done = supervisor.post(
        "/policy/1/new", values | {"fresh_s": "7200", "reason": "Hot days.", "once": "p"}
    )

    assert done["Location"] == "/policy/2"
    assert PolicyVersion.objects.get(version=2).parameters["supply_calibrated"] is False
    assert "fresh_s 14400 s (4 h) 7200 s (2 h)" in text(supervisor.get("/policy/2/since/1"))
    assert "In force" in text(supervisor.get("/policy/2"))


def test_a_technician_reads_only(cast: Cast, technician: Client) -> None:
    version = stored(cast)

    assert technician.get(f"/recipe/{version.pk}/new").status_code == 403
    assert technician.post(f"/recipe/{version.pk}/new", as_typed()).status_code == 403
    assert technician.post(f"/recipe/{version.pk}/retire", {"words": "x"}).status_code == 403
    assert RecipeVersion.objects.count() == 1


def test_a_retired_version_is_not_offered_for_a_job(cast: Cast, supervisor: Client) -> None:
    version = stored(cast)
    assert "Top v1" in text(supervisor.get("/jobs/new"))

    done = supervisor.post(f"/recipe/{version.pk}/retire", {"words": "Too hot.", "once": "r"})

    assert done.status_code == 303
    assert "Top v1" not in text(supervisor.get("/jobs/new"))
    assert "Too hot." in text(supervisor.get(f"/recipe/{version.pk}"))


def test_what_is_not_there_is_unknown(cast: Cast, supervisor: Client) -> None:
    version = stored(cast)
    other = store_recipe(name="Other", parameters={}, by=cast.sade, now=NOON)

    assert supervisor.get("/recipe/999").status_code == 404
    assert supervisor.get("/policy/1").status_code == 404
    assert supervisor.get(f"/recipe/{version.pk}/since/{other.pk}").status_code == 404
