"""Every page at phone and desk size, light and dark: it fits, its act is in sight, no complaint.

On the phone axe-core reads each of them as well, in both schemes.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from shop import clock
from shop.care import services
from shop.evidence.taking_back import withdraw
from shop.jobs.models import RecipeVersion, Run
from shop.packs.models import Pack
from shop.trace.services import share
from tests import factories
from tests.api.made import assembled
from tests.cast import Cast
from tests.e2e.procedures import pages_of_procedures
from tests.e2e.shop import SIZES, Person, Shop, make_shop
from tests.played import play_capacity
from tests.shop.jobs.test_by_hand import reading, typed
from tests.shop.jobs.test_giving_up import lost_run
from tests.shop.jobs.test_scanning import leading, led_to, scanned, told

PRIMARY = "main button:not(.quiet), main a[role=button]:not(.quiet)"


def pages_of(cast: Cast, shop: Shop, tested: Run, by_hand: Run, trace: str) -> dict[str, str]:
    cell = shop.cells[0]
    return {
        "board": "/",
        "job-open": f"/jobs/{shop.open.pk}",
        "job-claimed": f"/jobs/{shop.claimed.pk}",
        "job-new": "/jobs/new",
        "run-waiting": f"/runs/{shop.waiting.pk}",
        "run-by-hand": f"/runs/{by_hand.pk}",
        "run-led": f"/runs/{half_led(cast).pk}",
        "run-done": f"/runs/{shop.played.pk}",
        "job-capacity": f"/jobs/{tested.job_id}",
        "run-capacity": f"/runs/{tested.pk}",
        "shelf": "/shelf",
        "shelf-place": "/shelf/place",
        "recalls": "/recalls",
        "run-lost": f"/runs/{lost_run(cast, heard_at=clock.now() - timedelta(hours=3)).pk}",
        "service": "/service",
        "leads": "/leads",
        "cell-types": "/cell-types",
        "stations": "/stations",
        "station": f"/stations/{by_hand.station.slug}",
        "alerts": "/alerts",
        "recipes": "/recipes",
        "recipe": f"/recipe/{tested.job.recipe_version_id}",
        "recipe-new": f"/recipe/{tested.job.recipe_version_id}/new",
        "approvals": "/approvals",
        "pack-new": "/packs/new",
        "pack": "/packs/P-1",
        "cell": f"/cells/{cell.serial}",
        "batch": f"/batches/{cell.batch.code}",
        "trace": trace,
        "recipe-since": recipe_changed(cast),
        **pages_of_procedures(cast),
    }


# Where people look, and act on the page that they go to.
NO_ACT = {
    *("board", "cell", "cell-leaks", "cell-resistance", "cell-types", "leads", "pack-apart"),
    *("recalls", "recipe-since", "recipes", "service", "shelf", "station", "stations", "trace"),
}
# What comes once the page stands.
LATER = {"job-claimed": "#hours form"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_shows_its_act(
    browser: Browser, site: str, cast: Cast, shots: Path, size: str, scheme: str
) -> None:
    shop = make_shop(cast)
    pack = assembled(cast)
    recall(pack, cast)
    drift(pack, cast)
    trace = f"/t/{share(pack=pack, by=cast.bayo, now=clock.now())}"
    person = Person(browser, site, size=SIZES[size], scheme=scheme)
    person.open("/login")
    person.page.screenshot(path=shots / f"login-{size}-{scheme}.png")
    person.log_in("sade")

    for name, path in pages_of(cast, shop, cell_tested(cast), half_read(cast), trace).items():
        page = person.open(path)
        if name in LATER:
            expect(page.locator(LATER[name])).to_be_visible(timeout=30_000)
        page.screenshot(path=shots / f"{name}-{size}-{scheme}.png")
        assert_fits(page, name)
        if size == "phone":
            assert_accessible(page, name)
        if name not in NO_ACT:
            expect(page.locator(PRIMARY).first).to_be_in_viewport()

    person.leave()
    assert person.complaints == []


def half_read(cast: Cast) -> Run:
    """A disconnect check by hand, of which two cells are read."""
    run = reading(cast)
    for volts in ("3.641", "3.640"):
        typed(run, cast, volts)
    return run


def half_led(cast: Cast) -> Run:
    """A disconnect check by the led meter: one cell is read, the next one's probes hung loose."""
    run = leading(cast)
    led_to(run, cast, 1, 3.641)
    told(run, scanned(run, cast, 2), words="the meter shows nothing, 30 s after the scan")
    return run


def cell_tested(cast: Cast) -> Run:
    """A capacity test that was done this morning."""
    began_at = clock.now() - timedelta(hours=6)
    station = factories.make_station(load=True, now=began_at)
    (cell,) = factories.make_cells(1)
    return play_capacity(by=cast.tola, cell=cell, station=station, began_at=began_at)


def recipe_changed(cast: Cast) -> str:
    """What a new version of a recipe changed."""
    old = factories.make_recipe_version(by=cast.sade)
    new = RecipeVersion.objects.create(
        recipe=old.recipe,
        version=2,
        procedure=old.procedure,
        parameters=old.parameters | {"tail_basis": "cell", "target_v": 3.6},
        reason="As the maker asks.",
        created_by=cast.sade,
    )
    return f"/recipe/{new.pk}/since/{old.pk}"


def recall(pack: Pack, cast: Cast) -> None:
    """One certificate that it rests on is withdrawn."""
    run = pack.placements.all()[0].cell.runs.get()
    certificate = run.station.instruments.get(role="meter").calibrations.get()
    withdraw(calibration=certificate, words="Dropped.", by=cast.sade, now=clock.now())


def drift(pack: Pack, cast: Cast) -> None:
    """Its cells were read in use, and are 230 mV apart."""
    services.read_pack(
        pack=pack,
        cells_v=[3.462, 3.455, 3.232, 3.449],
        at_top=True,
        taken_at=clock.now(),
        months=14,
        measured_by="BMS app",
        by=cast.tola,
        now=clock.now(),
    )


def assert_accessible(page: Page, name: str) -> None:
    """Nothing that keeps somebody from reading or acting: names, contrast, labels, order."""
    found = Axe().run(page).response["violations"]
    grave = [
        (rule["id"], rule["nodes"][0]["html"])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert grave == [], name


def assert_fits(page: Page, name: str) -> None:
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("document.documentElement.clientWidth"), name
    small = page.evaluate(
        """[...document.querySelectorAll('main button, main [role=button], .top nav a')]
           .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44)
           .map(e => e.textContent.trim())"""
    )
    assert small == [], f"{name}: touch targets below 44 px"
