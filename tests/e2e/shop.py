"""A shop with one of everything that a page can show, and a person who is logged in to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from shop import clock
from shop.cells.models import Cell
from shop.jobs.models import Job, Run
from shop.jobs.states import JobState, RunState
from tests import factories
from tests.cast import PASSWORD, Cast
from tests.played import play_run
from tests.shop.packs.factories import make_capacity, make_design

PHONE, DESK = (390, 844), (1440, 900)
SIZES = {"phone": PHONE, "desk": DESK}


@dataclass(frozen=True)
class Shop:
    """`played`: a finished run with its curve; `waiting`: one that asks for a person."""

    open: Job
    claimed: Job
    played: Run
    waiting: Run
    cells: list[Cell]


def make_shop(cast: Cast) -> Shop:
    now = clock.now()
    factories.make_policy(by=cast.sade)
    make_design(name="Home 12 V 200 Ah")
    batch = factories.make_batch()
    one, two, three, four = (factories.make_cells(4, batch=batch) for _ in range(4))
    first, second = factories.make_station(now=now), factories.make_station(now=now)
    played = play_run(by=cast.tola, cells=one, station=first, ended_at=now - timedelta(minutes=12))
    for cell in one:
        make_capacity(cell, tested_at=now - timedelta(days=3))
    version = factories.make_recipe_version(by=cast.sade)
    busy = factories.make_job(
        by=cast.bayo,
        cells=four,
        recipe_version=version,
        claimed_at=second,
        state=JobState.IN_PROGRESS,
        now=now,
    )
    return Shop(
        open=factories.make_job(by=cast.tola, cells=two, recipe_version=version, now=now),
        claimed=factories.make_job(
            by=cast.tola, cells=three, recipe_version=version, claimed_at=first, now=now
        ),
        played=played,
        waiting=factories.make_run(
            by=cast.bayo,
            job=busy,
            station=second,
            state=RunState.RUNNING,
            now=now,
            token=1,
            simulated=True,
            program=played.program,
            step=step_of(played, "connect"),
        ),
        cells=one,
    )


def step_of(run: Run, name: str) -> dict[str, Any]:
    """`Run.step` as the uplink writes it."""
    steps = (run.program or {})["steps"]
    index = next(index for index, step in enumerate(steps) if step["name"] == name)
    return {"index": index, "name": name, "title": steps[index]["title"]}


class Person:
    """Someone at a screen; `complaints` are the browser's errors, refused pages aside."""

    def __init__(
        self,
        browser: Browser,
        site: str,
        *,
        size: tuple[int, int] = PHONE,
        scheme: str = "light",
        script: bool = True,
    ) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def log_in(self, username: str) -> Person:
        self.open("/login")
        self.page.get_by_label("Name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.site}/")
        return self

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}")
        return self.page

    def leave(self) -> None:
        self.context.close()
