"""Supply and load as the same questions are asked of both.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from stations.commissioning.figures import Drawn, Figures, Judged, Plateau, Tolerances
from stations.values import NAN, LoadRatings, SupplyRatings

COUNTS = 2  # of a display may go for its rounding


@dataclass(frozen=True, slots=True)
class Side:
    """What one of them showed, and what it is rated for; see `Figures` and `Drawn`."""

    role: str  # "supply", "load"
    ratings: SupplyRatings | LoadRatings
    tolerances: Tolerances
    meter_accuracy_v: float
    off_a: float
    off_again_a: float
    zero_a: float
    idle: Plateau | None
    small: Plateau | None
    panel_a: float
    large: Plateau | None
    lead_ohm: float

    @property
    def counts_a(self) -> float:
        return COUNTS * self.ratings.current_resolution_a

    @property
    def zero_max_a(self) -> float:
        """Amps that count as none."""
        return self.counts_a + self.tolerances.zero_share * self.ratings.current_max_a

    @property
    def offset_max_v(self) -> float:
        """By how much its voltmeter and the bank meter may differ."""
        ours = self.ratings
        return ours.voltage_accuracy_v + self.meter_accuracy_v + ours.voltage_resolution_v

    @property
    def sees_bank(self) -> bool:
        """Whether its terminals showed the bank with nothing drawn; no contactor parted them."""
        idle = self.idle
        return idle is not None and idle.supply_v > 0.5 * idle.bank_v

    @property
    def no_current_v(self) -> float:
        """What the drop at the two currents leaves with none; NaN without both."""
        if self.small is None:
            return NAN
        sign = -1 if self.role == "load" else 1
        return self.small.drop_v - sign * self.lead_ohm * (self.small.current_a - self.zero_a)

    @property
    def named(self) -> str:
        """Before the name of a question: the supply's were there first."""
        return "load's " if self.role == "load" else ""


def supply_side(figures: Figures, by: Judged) -> Side:
    return Side(
        "supply",
        by.supply,
        by.tolerances,
        by.meter_accuracy_v,
        figures.off_a,
        figures.off_again_a,
        figures.zero_a,
        figures.nothing,
        figures.small,
        figures.panel_a,
        figures.large,
        figures.lead_ohm,
    )


def load_side(drawn: Drawn | None, load: LoadRatings, by: Judged) -> Side:
    """With nothing seen where the load was not come to."""
    seen = drawn or Drawn(bank_ah=NAN)
    return Side(
        "load",
        load,
        by.tolerances,
        by.meter_accuracy_v,
        seen.off_a,
        seen.off_again_a,
        seen.zero_a,
        seen.idle,
        seen.small,
        seen.panel_a,
        seen.large,
        seen.lead_ohm,
    )
