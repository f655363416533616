"""Acts in a browser: hold to start, what is needed now, the curve, and all of it without script."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from shop.jobs.models import Run
from shop.jobs.states import JobState, RunState
from tests.cast import Cast
from tests.e2e.shop import Person, make_shop, step_of


def test_a_start_is_held_for_a_second_by_key(browser: Browser, site: str, cast: Cast) -> None:
    shop = make_shop(cast)
    person = Person(browser, site).log_in("tola")
    page = person.open(f"/jobs/{shop.claimed.pk}")
    start = page.get_by_role("button", name="Start balance of 4 cells")

    expect(start).to_be_disabled()
    expect(page.get_by_text("5 lines are left to tick")).to_be_visible()
    for tick in page.locator("form[data-start]").get_by_role("checkbox").all():
        tick.check()
    start.focus()
    page.keyboard.press("Enter")
    expect(start).not_to_have_class(re.compile("holding"))
    assert not Run.objects.filter(job=shop.claimed).exists()
    page.keyboard.down("Enter")
    page.wait_for_url(re.compile(r"/runs/\d+$"))
    page.keyboard.up("Enter")

    expect(page.get_by_text("Queued")).to_be_visible()
    person.leave()
    assert Run.objects.get(job=shop.claimed).state == RunState.QUEUED


def test_the_page_follows_the_run_and_stop_never_moves(
    browser: Browser, site: str, cast: Cast
) -> None:
    """B19: connect, charge with the finish on offer, done."""
    shop = make_shop(cast)
    run = Run.objects.filter(pk=shop.waiting.pk)
    person = Person(browser, site).log_in("bayo")
    page = person.open(f"/runs/{shop.waiting.pk}")
    stop = page.get_by_role("button", name="STOP")
    place = stop.bounding_box()

    page.get_by_role("button", name="Cells linked, nuts torqued").click()
    expect(page.get_by_text("Confirmed. The bench goes on")).to_be_visible()
    run.update(step=step_of(shop.played, "balance"))
    expect(page.get_by_role("button", name="I am at the bench, finish")).to_be_visible()
    expect(page.locator("#run-steps .now")).to_contain_text("Balance: charge and hold")
    assert stop.bounding_box() == place
    stop.click()
    expect(page.get_by_text("Stop asked for")).to_be_visible()
    run.update(state=RunState.STOPPING)
    run.update(state=RunState.STOPPED)
    expect(page.get_by_text("Back to the job")).to_be_visible()

    person.leave()
    assert person.complaints == []


def test_a_curve_is_drawn_and_stands_as_a_table(browser: Browser, site: str, cast: Cast) -> None:
    shop = make_shop(cast)
    person = Person(browser, site).log_in("tola")
    page = person.open(f"/runs/{shop.played.pk}")

    expect(page.locator("figure[data-drawn] canvas")).to_be_visible()
    page.get_by_text("The curve as a table").click()
    expect(page.locator("figure table tbody tr").last).to_contain_text("V")

    person.leave()
    assert person.complaints == []


def test_from_evidence_to_the_customer(browser: Browser, site: str, cast: Cast) -> None:
    """G1, T2: a supervisor approves, a technician assembles and shares, a customer reads."""
    make_shop(cast)
    sade = Person(browser, site).log_in("sade")
    for tick in sade.open("/approvals").get_by_role("checkbox").all():
        tick.check()
    sade.page.get_by_role("button", name="Approve the ticked cells").click()
    expect(sade.page.get_by_text("4 cells approved")).to_be_visible()
    sade.leave()

    tola = Person(browser, site).log_in("tola")
    page = tola.open("/packs/new")
    page.get_by_label("Design").select_option(index=1)
    page.get_by_label("Serial of the pack").fill("PACK-0001")
    for tick in page.locator("input[name=cell]").all():
        tick.check()
    page.get_by_role("button", name="Check the cells").click()
    expect(page.get_by_text("comes from a simulated bench")).to_be_visible()
    page.get_by_label("Simulated pack").check()
    page.get_by_role("button", name="Check the cells").click()
    page.get_by_role("button", name="Assemble pack of 4 cells").click()
    page.get_by_role("button", name="Make a link for the customer").click()
    link = page.locator(".copy a").inner_text()
    tola.leave()

    customer = Person(browser, site)
    customer.page.goto(link)
    expect(customer.page.get_by_text("Valid: this battery's record is whole")).to_be_visible()
    expect(customer.page.locator("figure[data-drawn] canvas")).to_be_visible()
    customer.leave()
    assert customer.complaints == []


def test_claims_and_starts_without_any_script(browser: Browser, site: str, cast: Cast) -> None:
    shop = make_shop(cast)
    station = shop.claimed.station
    type(shop.claimed).objects.filter(pk=shop.claimed.pk).update(state=JobState.CANCELLED)
    person = Person(browser, site, script=False).log_in("tola")
    page = person.open(f"/jobs/{shop.open.pk}")

    page.locator(f"input[value='{station}']").check()
    page.get_by_role("button", name="Claim these 4 cells").click()
    for tick in page.get_by_role("checkbox").all():
        tick.check()
    page.get_by_role("button", name="Start balance of 4 cells").click()

    expect(page.get_by_role("button", name="STOP")).to_be_visible()
    person.leave()
    assert Run.objects.get(job=shop.open).state == RunState.QUEUED
