"""The hours of a plan know the leads of its station: as measured, else as fitted (B6, F5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.equipment.services import record_commissioning
from shop.forecast.leads import leads_known
from shop.leads.services import fit_leads, register_lead_set
from stations.planner.knowledge import LEADS_OHM
from tests import factories
from tests.cast import Cast
from tests.factories import NOON
from tests.shop.equipment.reports import document_of


def test_what_was_measured_counts_before_what_was_fitted(cast: Cast) -> None:
    """2 x 3 m of 6 mm2 copper are 17.5 mohm; the commissioning afterwards says 5."""
    station = factories.make_station()
    usual = leads_known(station)
    long = register_lead_set(
        label="long", gauge_mm2=6.0, length_m=3.0, end="ring_6", by=cast.sade, now=NOON
    )
    fit_leads(station=station, lead_set=long, by=cast.tola, now=NOON - timedelta(hours=1))
    as_fitted = leads_known(station)
    document = document_of(station)
    record_commissioning(station=station, document=document, by=cast.tola, now=NOON)
    as_measured = leads_known(station)

    assert usual == LEADS_OHM
    assert (as_fitted.low, as_fitted.high) == pytest.approx((18.0e-3, 21.5e-3))
    assert (as_measured.low, as_measured.high) == pytest.approx((4.5e-3, 6.0e-3))


def test_a_commissioning_counts_where_no_set_is_on_record(cast: Cast) -> None:
    station = factories.make_station()
    document = document_of(station)
    record_commissioning(station=station, document=document, by=cast.tola, now=NOON)

    assert leads_known(station).high == pytest.approx(6.0e-3)
