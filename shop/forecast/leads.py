"""What the leads of a station have, in ohms: as measured, else as fitted, else as usual (B6)."""

from __future__ import annotations

from shop.equipment.models import Station
from shop.equipment.queries import measured_of
from shop.leads.queries import fitted, leads_of, measured
from stations.planner.knowledge import measured_leads
from stations.values import NAN, Window

LUGS_OHM = Window(0.5e-3, 4.0e-3)  # four crimps and four posts


def measured_ohm(station: Station) -> float:
    """Both together, as last measured of the set that lies there; NaN where nobody did."""
    lead_set = fitted([station]).get(station.pk)
    if lead_set is None:
        return measured_of(station).leads_ohm
    history = measured(lead_set)
    return leads_of(lead_set, history).milliohm / 1000 if history else NAN


def leads_known(station: Station) -> Window:
    ohm, lead_set = measured_ohm(station), fitted([station]).get(station.pk)
    if lead_set is not None and not ohm > 0:
        copper_ohm = leads_of(lead_set).copper_milliohm / 1000
        return Window(copper_ohm + LUGS_OHM.low, copper_ohm + LUGS_OHM.high)
    return measured_leads(ohm)
