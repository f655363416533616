"""Lead sets as pages and programs show them (B6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shop.equipment.models import Station
from shop.leads.models import LeadSet
from shop.leads.queries import Measured, fitted, leads_of, measured
from shop.leads.rules import Leads, gauge_words


@dataclass(frozen=True, slots=True)
class LeadsShown:
    """A set, where it lies now, and what was measured of it, newest first."""

    lead_set: LeadSet
    leads: Leads
    station: Station | None
    history: tuple[Measured, ...]

    @property
    def words(self) -> str:
        """What it is: "10 AWG (6.0 mm²), 1.5 m, 6 mm ring lugs"."""
        return words_of(self.lead_set)

    @property
    def milliohm(self) -> float | None:
        return self.leads.milliohm if math.isfinite(self.leads.milliohm) else None


def words_of(lead_set: LeadSet) -> str:
    area = f"{gauge_words(lead_set.gauge_mm2)} ({lead_set.gauge_mm2:.1f} mm²)"
    return f"{area}, {lead_set.length_m:g} m, {lead_set.get_end_display()}"


def every() -> list[LeadsShown]:
    """Every set by its label."""
    stations = list(Station.objects.order_by("slug"))
    there = {lead_set.pk: pk for pk, lead_set in fitted(stations).items()}
    by_pk = {station.pk: station for station in stations}
    return [
        _shown(lead_set, by_pk.get(there.get(lead_set.pk, 0)))
        for lead_set in LeadSet.objects.order_by("label")
    ]


def at(station: Station) -> LeadsShown | None:
    lead_set = fitted([station]).get(station.pk)
    return _shown(lead_set, station) if lead_set is not None else None


def _shown(lead_set: LeadSet, station: Station | None) -> LeadsShown:
    history: Sequence[Measured] = measured(lead_set)
    return LeadsShown(lead_set, leads_of(lead_set, history), station, tuple(history))
