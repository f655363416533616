"""The designer, a pack's page and the customer's: the answer first, every finding in words."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from shop import clock
from shop.jobs import recipes
from shop.packs.models import Pack
from shop.trace.services import share
from tests import factories
from tests.api.clients import text
from tests.api.made import approved, assembled, balanced
from tests.cast import Cast
from tests.shop.packs.factories import Bank, make_bank, make_design


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The cast, committed: assembling needs a transaction of its own."""
    from tests.cast import the_cast

    return the_cast()


def form(bank: Bank, act: str, **changes: Any) -> dict[str, Any]:
    cells = [cell.serial for cell in bank.cells]
    sent = {"design": make_design().pk, "serial": "PACK-9", "cell": cells, "act": act}
    return sent | changes


def test_an_open_gate_offers_to_assemble(cast: Cast, technician: Client) -> None:
    page = text(technician.post("/packs/new", form(approved(cast), "check")))

    assert "The gate is open" in page
    assert "Assemble pack of 4 cells" in page


def test_a_closed_gate_shows_each_finding_with_what_to_do(cast: Cast, technician: Client) -> None:
    page = text(technician.post("/packs/new", form(balanced(cast), "check")))

    assert "The gate is closed" in page
    assert "4 findings stand in the way" in page
    assert page.count("Ask a supervisor who did not run its job") == 1, "said once for all cells"
    assert "Open the approvals" in page
    assert "G1" in page
    assert "Check the cells" in page


def test_cells_without_capacity_test_lead_to_their_batch(cast: Cast, technician: Client) -> None:
    """G2: the fix is one tap away."""
    bank = make_bank(by=cast.tola, stopped=clock.now() - timedelta(minutes=20))

    page = technician.post("/packs/new", form(bank, "check"))

    assert "Import a capacity file" in text(page)
    assert f'href="/batches/{bank.cells[0].batch.code}"' in page.content.decode()


def test_a_marginal_cell_leads_to_its_recharge(cast: Cast, technician: Client) -> None:
    """B17: the finding proposes it, and the form has the recipe to its target and the cell."""
    stopped = clock.now() - timedelta(minutes=20)
    bank = make_bank(by=cast.tola, stopped=stopped, volts=(3.61, 3.605, 3.63, 3.63))
    lower = recipes.top_balance.defaults() | {"target_v": 3.60}
    factories.make_recipe_of("cell_recharge", lower, by=cast.sade)
    fitting = factories.make_recipe_of(
        "cell_recharge", recipes.top_balance.defaults(), by=cast.sade
    )

    page = technician.post("/packs/new", form(bank, "check"))

    assert "Recharge that cell alone to the target" in text(page)
    for cell in bank.cells[:2]:
        proposed = f"/jobs/new?procedure=cell_recharge&amp;cell={cell.serial}"
        assert page.content.decode().count(f'href="{proposed}"') == 1
    made = technician.get(f"/jobs/new?procedure=cell_recharge&cell={bank.cells[0].serial}")
    shown = made.content.decode()
    assert f'<option value="{fitting.pk}" selected>' in shown
    assert shown.count(" selected>") == 1
    assert f">{bank.cells[0].serial}</textarea>" in shown


def test_assembles_and_goes_to_the_pack(cast: Cast, technician: Client) -> None:
    bank = approved(cast)

    answer = technician.post("/packs/new", form(bank, "assemble"))

    assert (answer.status_code, answer["Location"]) == (303, "/packs/PACK-9")
    assert bank.cells[3].serial in text(technician.get("/packs/PACK-9"))


def test_the_gate_is_asked_again_at_the_moment_of_assembly(cast: Cast, technician: Client) -> None:
    answer = technician.post("/packs/new", form(balanced(cast), "assemble"))

    assert answer.status_code == 409
    assert "The gate is closed" in text(answer)
    assert not Pack.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words", "status"),
    [
        ({"design": ""}, "No design was chosen", 409),
        ({"cell": []}, "No cell was chosen", 409),
        ({"cells": "NO-SUCH"}, "NO-SUCH", 404),
        ({"serial": "", "act": "assemble"}, "The pack has no serial", 409),
        ({"serial": "no good!", "act": "assemble"}, "is not a pack serial", 409),
    ],
)
def test_what_was_sent_wrong_is_said_in_words(
    cast: Cast, technician: Client, changes: dict[str, Any], words: str, status: int
) -> None:
    answer = technician.post("/packs/new", form(approved(cast), "check") | changes)

    assert answer.status_code == status
    assert words in text(answer)
    assert not Pack.objects.exists()


def test_a_link_is_shown_once_and_opens_the_customers_page(
    cast: Cast, technician: Client, client: Client
) -> None:
    """T2: the answer first, then what to set, then curve and cells; no names of staff."""
    pack = assembled(cast)
    made = technician.post(f"/packs/{pack.serial}/links").content.decode()
    found = re.search(r'href="http://testserver(/t/[\w-]+)"', made)
    assert found is not None

    answer = client.get(found[1])

    page = text(answer)
    assert page.index("Valid: this battery") < page.index("Set this on the inverter")
    assert "13.8–14.0 V" in page
    for name in ("Tola", "Sade", "Bayo", "Ife Solar", "Log out"):
        assert name not in page
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert found[1] not in technician.get(f"/packs/{pack.serial}").content.decode()


def test_a_revoked_link_answers_like_one_that_never_was(
    cast: Cast, supervisor: Client, client: Client
) -> None:
    pack = assembled(cast)
    secret = share(pack=pack, by=cast.bayo, now=pack.assembled_at)
    link = pack.trace_links.get()

    supervisor.post(f"/packs/{pack.serial}/links/{link.pk}/revoke")

    revoked, unknown = client.get(f"/t/{secret}"), client.get("/t/never-was")
    assert (revoked.status_code, revoked.content) == (404, unknown.content)


def test_a_technician_may_not_revoke(cast: Cast, technician: Client) -> None:
    pack = assembled(cast)
    share(pack=pack, by=cast.bayo, now=pack.assembled_at)
    link = pack.trace_links.get()

    answer = technician.post(f"/packs/{pack.serial}/links/{link.pk}/revoke")

    assert answer.status_code == 403
    assert "A technician may not revoke trace" in text(answer)


def test_an_unknown_pack_is_404(cast: Cast, technician: Client) -> None:
    for answer in (
        technician.get("/packs/NO-SUCH"),
        technician.post("/packs/NO-SUCH/links"),
        technician.post("/packs/NO-SUCH/links/1/revoke"),
    ):
        assert answer.status_code == 404


def test_a_claimed_recovery_can_be_started_from_its_page(cast: Cast, technician: Client) -> None:
    """B14: that its cells are in the pack is the point of it, and nothing in the way."""
    pack, now = assembled(cast), clock.now()
    cells = [place.cell for place in pack.placements.order_by("position")]
    recipe = factories.make_recipe_of(
        "pack_recovery", recipes.pack_recovery.defaults(), by=cast.sade
    )
    station = factories.make_station(bms=True, load=True, now=now)
    job = factories.make_job(
        by=cast.tola, cells=cells, recipe_version=recipe, claimed_at=station, now=now
    )
    type(job).objects.filter(pk=job.pk).update(pack=pack)

    page = text(technician.get(f"/jobs/{job.pk}"))

    assert "Not ready to start" not in page
    assert "is in a pack" not in page
