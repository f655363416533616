"""What a run's readings show of supply, leads, contacts and cells, on its page and by REST (F5)."""

from __future__ import annotations

from django.test import Client

from shop import clock
from shop.jobs.models import Run
from tests import factories
from tests.api.clients import Api, text
from tests.cast import Cast
from tests.played import play_recheck, play_run


def played(cast: Cast) -> Run:
    factories.make_policy(by=cast.sade)
    cells, station = factories.make_cells(4), factories.make_station(now=clock.now())
    return play_run(by=cast.tola, cells=cells, station=station, ended_at=clock.now())


def test_a_whole_run_says_what_is_well_and_what_it_does_not_show(
    cast: Cast, tola: Api, technician: Client
) -> None:
    run = played(cast)

    looks = {look["of"]: look for look in tola.get(f"runs/{run.pk}/looks").json()["looks"]}
    page = text(technician.get(f"/runs/{run.pk}"))

    assert list(looks) == ["supply", "leads", "contacts", "leak", "capacity"]
    assert [words for look in looks.values() for words in look["named"]] == []
    assert "the leads are sound: 5 mΩ" in looks["leads"]["well"]
    assert "a re-check after 24 h tells" in looks["leak"]["unseen"]
    assert "The leads are sound: 5 mΩ" in page
    assert "they share one voltage" in page


def test_a_re_check_says_which_leaks_it_would_have_shown(cast: Cast, tola: Api) -> None:
    balanced = played(cast)
    cells = [row.cell for row in balanced.run_cells.order_by("position")]
    run = play_recheck(
        by=cast.tola, cells=cells, station=balanced.station, began_at=clock.now(), low=0.97
    )

    (look,) = tola.get(f"runs/{run.pk}/looks").json()["looks"]

    assert look["of"] == "leak"
    assert look["named"][0].startswith("cell 4 rests at")


def test_a_run_that_nothing_was_seen_of_has_no_looks(cast: Cast, tola: Api) -> None:
    run = factories.make_run(by=cast.tola)

    assert tola.get(f"runs/{run.pk}/looks").json() == {"looks": []}
