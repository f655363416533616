"""M4: when a pack in use is read next, by its balancer, its use and its last reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop import clock
from shop.care.due import ServiceLimits, service_due
from shop.care.models import PackReading
from shop.care.queries import care_of, packs_due
from shop.care.services import take_apart
from shop.jobs.policies import Policy
from shop.packs.models import Pack
from tests import factories
from tests.api.clients import Api, logged_in, text
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.packs.factories import make_design

LIMITS = ServiceLimits.of(Policy())
YEAR, HALF = timedelta(days=365), timedelta(days=182)


@pytest.mark.parametrize(
    ("balancer_a", "application", "after"),
    [
        (1.0, "SOLAR", YEAR),
        (0.9, "SOLAR", HALF),
        (0.0, "STATIONARY", HALF),
        (1.0, "EV", YEAR / 2),
        (0.0, "EV", HALF / 2),
    ],
)
def test_a_passive_balancer_and_frequent_emptying_bring_it_forward(
    balancer_a: float, application: str, after: timedelta
) -> None:
    due = service_due(
        built_at=NOON,
        read_at=None,
        again_at=None,
        balancer_a=balancer_a,
        application=application,
        limits=LIMITS,
    )

    assert due.at == NOON + after


def test_a_reading_begins_it_anew_and_may_ask_for_another_sooner() -> None:
    asked = {
        "built_at": NOON,
        "read_at": NOON + HALF,
        "balancer_a": 0.0,
        "application": "SOLAR",
        "limits": replace(LIMITS, passive=HALF),
    }

    assert service_due(again_at=None, **asked).at == NOON + 2 * HALF  # type: ignore[arg-type]
    soon = NOON + HALF + timedelta(days=30)
    due = service_due(again_at=soon, **asked)  # type: ignore[arg-type]
    assert (due.at, due.why) == (soon, "its last reading asked for another")


def make_pack(cast: Cast, serial: str, *, built_at: datetime) -> Pack:
    return Pack.objects.create(
        serial=serial,
        design=make_design(bms_active_balance_a=0.0),
        customer=cast.ife,
        assembled_by=cast.bayo,
        assembled_at=built_at,
    )


def read(pack: Pack, cast: Cast, taken_at: datetime, *, at_top: bool = True) -> PackReading:
    return PackReading.objects.create(
        pack=pack,
        cells_v=[3.45, 3.44, 3.44, 3.44],
        at_top=at_top,
        taken_at=taken_at,
        measured_by="BMS app",
        by=cast.tola,
        recorded_at=taken_at,
    )


def test_only_a_reading_at_the_top_of_charge_counts(cast: Cast) -> None:
    pack = make_pack(cast, "P-1", built_at=NOON)
    read(pack, cast, NOON + timedelta(days=100), at_top=False)
    assert care_of(pack).service.at == NOON + HALF  # type: ignore[union-attr]

    read(pack, cast, NOON + timedelta(days=120))

    assert care_of(pack).service.at == NOON + timedelta(days=302)  # type: ignore[union-attr]


def test_the_list_has_what_is_due_in_a_fixed_number_of_queries(cast: Cast) -> None:
    for serial, days in (("P-1", 190), ("P-2", 400), ("P-3", 10)):
        make_pack(cast, serial, built_at=NOON - timedelta(days=days))
    apart = make_pack(cast, "P-4", built_at=NOON - timedelta(days=500))
    take_apart(
        pack=apart,
        words="Severe.",
        by=cast.sade,
        now=NOON,
        capacity_recipe=None,
        balance_recipe=None,
    )

    with CaptureQueriesContext(connection) as asked:
        found = packs_due(until=NOON)

    assert [pack.serial for pack, _ in found] == ["P-2", "P-1"]
    assert len(asked) <= 3
    assert care_of(apart).service is None


def test_board_list_pack_customer_and_rest_say_it(cast: Cast) -> None:
    factories.make_policy(by=cast.sade)
    pack = make_pack(cast, "P-1", built_at=clock.now() - timedelta(days=200))
    sade = logged_in(cast.sade)

    assert "1 pack is due for service" in text(sade.get("/"))
    assert "P-1" in text(sade.get("/service"))
    assert "Ife Solar" in text(sade.get("/service"))
    shown = text(sade.get("/packs/P-1"))
    assert "Service due" in shown
    assert "its cells drift apart with a passive balancer" in shown
    (told,) = Api(sade).get("service").json()["packs"]
    assert (told["serial"], told["customer"]) == ("P-1", "Ife Solar")
    assert Api(sade).get("packs/P-1").json()["care"]["service"]["why"] == told["why"]

    read(pack, cast, clock.now())

    assert "due for service" not in text(sade.get("/"))
    assert Api(sade).get("service").json() == {"packs": []}


def test_nobody_sees_the_list_without_a_log_in(client: Client, db: None) -> None:
    assert client.get("/service").status_code == 302
