"""A double tap is one act: every form that acts carries a key of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from shop.jobs.models import Job, JobEvent
from shop.packs.models import GateDecision, Pack
from shop.trace.models import TraceLink
from tests import factories
from tests.api.clients import text
from tests.api.made import approved, assembled, balanced
from tests.cast import Cast, the_cast
from tests.shop.packs.factories import make_design

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
# Where twice is once by itself: who is logged in, a stop, a step that was confirmed, who is there.
WITHOUT_KEY = (
    *("pages:logout", "pages:run-stop", "pages:run-confirm", "pages:run-presence"),
    "people/login.html",
)


def test_every_form_that_acts_carries_a_key() -> None:
    forms = [
        f"{path.relative_to(TEMPLATES)} {form}"
        for path in TEMPLATES.rglob("*.html")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), flags=re.S)
    ]

    bare = [form for form in forms if "{% once %}" not in form]
    assert len(forms) > 10
    assert [form for form in bare if not any(name in form for name in WITHOUT_KEY)] == []


def keys(page: Any) -> list[str]:
    return re.findall(r'name="once" value="([^"]+)"', page.content.decode())


def test_a_job_is_made_once_by_a_double_tap_and_again_by_another_page(
    cast: Cast, technician: Client
) -> None:
    recipe, cells = factories.make_recipe_version(by=cast.sade), factories.make_cells(4)
    page = technician.get("/jobs/new")
    sent = {"recipe": recipe.pk, "cell": [c.serial for c in cells], "once": keys(page)[0]}

    first, second = (technician.post("/jobs/new", sent) for _ in range(2))
    technician.post("/jobs/new", sent | {"once": keys(technician.get("/jobs/new"))[0]})

    assert (first.status_code, first["Location"]) == (303, second["Location"])
    assert Job.objects.count() == 2


def test_a_form_that_was_changed_after_a_step_back_is_another_act(
    cast: Cast, technician: Client
) -> None:
    recipe = factories.make_recipe_version(by=cast.sade)

    for _ in range(2):
        cells = [cell.serial for cell in factories.make_cells(4)]
        technician.post("/jobs/new", {"recipe": recipe.pk, "cell": cells, "once": "k-1"})

    assert Job.objects.count() == 2


def test_the_second_tap_on_claim_is_not_told_that_somebody_was_faster(
    cast: Cast, technician: Client
) -> None:
    job, station = factories.make_job(by=cast.sade), factories.make_station()
    sent = {"station": station.slug, "once": "k-1"}

    answers = [technician.post(f"/jobs/{job.pk}/claim", sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert JobEvent.objects.filter(kind="claimed").count() == 1


def test_a_refused_form_is_judged_anew(cast: Cast, technician: Client) -> None:
    job, sent = factories.make_job(by=cast.sade), {"station": "bench-x", "once": "k-1"}

    refused = technician.post(f"/jobs/{job.pk}/claim", sent)
    factories.make_station(slug="bench-x")
    claimed = technician.post(f"/jobs/{job.pk}/claim", sent)

    assert (refused.status_code, claimed.status_code) == (409, 303)
    assert "No station was chosen" in text(refused)


def test_cells_are_approved_once_by_a_double_tap(cast: Cast, supervisor: Client) -> None:
    balanced(cast)
    html = supervisor.get("/approvals").content.decode()
    seen = dict(re.findall(r'name="(seen-[^"]+)" value="([0-9a-f]{64})"', html))
    serials = [name.removeprefix("seen-") for name in seen]
    sent = seen | {"cell": serials, "once": "k-1"}

    first, second = (supervisor.post("/approvals", sent) for _ in range(2))

    assert len(serials) == 4
    assert (first.status_code, first["Location"]) == (303, second["Location"])


@pytest.mark.django_db(transaction=True)
def test_a_pack_and_its_link_are_made_once_by_a_double_tap() -> None:
    cast = the_cast()
    bayo = Client()
    bayo.force_login(cast.bayo)
    cells = [cell.serial for cell in approved(cast).cells]
    sent = {"design": make_design().pk, "serial": "P-9", "cell": cells, "act": "assemble"}

    packs = [bayo.post("/packs/new", sent | {"once": "k-1"}) for _ in range(2)]
    pages = [bayo.post("/packs/P-9/links", {"once": "k-2"}).content.decode() for _ in range(2)]

    assert [(a.status_code, a["Location"]) for a in packs] == [(303, "/packs/P-9")] * 2
    assert (Pack.objects.count(), GateDecision.objects.count()) == (1, 1)
    secrets = {found for page in pages for found in re.findall(r"/t/[\w-]{32}", page)}
    assert (TraceLink.objects.count(), len(secrets)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_link_is_revoked_once_by_a_double_tap() -> None:
    cast = the_cast()
    pack = assembled(cast)
    sade = Client()
    sade.force_login(cast.sade)
    sade.post(f"/packs/{pack.serial}/links", {"once": "k-1"})
    path = f"/packs/{pack.serial}/links/{TraceLink.objects.get().pk}/revoke"

    answers = [sade.post(path, {"once": "k-2"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
