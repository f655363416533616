"""What a pair of leads may carry, and why one may not be used (B6).  Pure.

"Cables rated for the bank current" ([B]).  What a conductor carries: NFPA 70 (National Electrical
Code), Table 310.16, copper, 60 °C insulation, three conductors at 30 °C: public, and below what
most makers claim for silicone.  A cable between two gauges carries what the thinner one does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shop.refusals import Problem

# AWG to amps; 14 and 12 are held by 240.4(D) to 15 and 20 A, which is what the column says too.
AMPACITY_A: Sequence[tuple[int, float]] = (
    (14, 15.0),
    (12, 20.0),
    (10, 30.0),
    (8, 40.0),
    (6, 55.0),
    (4, 70.0),
    (2, 95.0),
    (1, 110.0),
    (0, 125.0),  # 1/0, and so on to 4/0
    (-1, 145.0),
    (-2, 165.0),
    (-3, 195.0),
)
# What holds by a spring lets go, and adds milliohms that no reading can tell from the cable's.
LOOSE_ENDS = {"clip": "clips", "banana": "banana plugs"}
GAUGE_MM2 = (0.2, 120.0)
LENGTH_M = (0.1, 20.0)
COPPER_OHM_MM2_PER_M = 0.0175  # at 20 °C, IEC 60228's copper with its stranding
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Leads:
    """One set as the rules see it; `milliohm` was measured last, NaN where never."""

    label: str
    gauge_mm2: float
    length_m: float
    end: str
    milliohm: float = math.nan

    @property
    def rated_a(self) -> float:
        return 0.0 if self.end in LOOSE_ENDS else ampacity_a(self.gauge_mm2)

    @property
    def copper_milliohm(self) -> float:
        """Of both conductors alone, without their ends."""
        return 2000 * COPPER_OHM_MM2_PER_M * self.length_m / self.gauge_mm2


def mm2_of_awg(awg: float) -> float:
    """The area of a gauge: 0.127 mm · 92^((36 − n)/39) is its diameter (ASTM B258)."""
    diameter_mm = 0.127 * math.pow(92, (36 - awg) / 39)
    return math.pi / 4 * diameter_mm * diameter_mm


def awg_of_mm2(gauge_mm2: float) -> int:
    """The gauge that a cable has at least: 10 for 6 mm²."""
    diameter_mm = math.sqrt(4 * gauge_mm2 / math.pi)
    return math.ceil(36 - 39 * math.log(diameter_mm / 0.127, 92) - 0.01)


def gauge_words(gauge_mm2: float) -> str:
    """As it is printed on a cable: "10 AWG", "1/0 AWG"."""
    awg = awg_of_mm2(gauge_mm2)
    return f"{awg} AWG" if awg > 0 else f"{1 - awg}/0 AWG"


def ampacity_a(gauge_mm2: float) -> float:
    """What a conductor of this area carries; 0 below the thinnest that the table has."""
    carried = [amps for awg, amps in AMPACITY_A if mm2_of_awg(awg) <= gauge_mm2 * (1 + ROUNDING)]
    return max(carried, default=0.0)


def lead_problems(leads: Leads | None, planned_a: float) -> list[Problem]:
    """Why a run at `planned_a` may not use these; nothing where no set is on record."""
    if leads is None or planned_a <= 0:
        return []
    if leads.end in LOOSE_ENDS:
        words = f"The leads {leads.label} end in {LOOSE_ENDS[leads.end]}, which let go under load."
        return [Problem("leads_loose", words, "Fit a set with 6 or 8 mm ring lugs.")]
    if planned_a <= leads.rated_a + 1e-9:
        return []
    words = (
        f"The leads {leads.label} ({leads.gauge_mm2:.1f} mm²) are rated for {leads.rated_a:.0f} A, "
        f"and {planned_a:.1f} A are planned."
    )
    fix = "Fit a thicker set, 8–10 AWG or more, or lower the current."
    return [Problem("leads_too_thin", words, fix)]


def new_problems(label: str, gauge_mm2: float, length_m: float, end: str) -> list[Problem]:
    """Why this is no lead set; NaN is none either."""
    found = []
    if not 0 < len(label) <= 40 or not label.isprintable():
        fix = "Write a short name on the cables and type it."
        found.append(Problem("label", "The set has no name.", fix, about="label"))
    if not GAUGE_MM2[0] <= gauge_mm2 <= GAUGE_MM2[1]:
        words = f"The gauge is not within {GAUGE_MM2[0]:g} … {GAUGE_MM2[1]:g} mm²."
        found.append(Problem("gauge", words, "Type square millimetres, or AWG.", about="gauge"))
    if not LENGTH_M[0] <= length_m <= LENGTH_M[1]:
        words = f"The length is not within {LENGTH_M[0]:g} … {LENGTH_M[1]:g} m."
        found.append(Problem("length", words, "Type the metres of one cable.", about="length"))
    if end not in ("ring_6", "ring_8", *LOOSE_ENDS):
        words = f"{end[:20]!r} is no end of a lead."
        found.append(Problem("end", words, "One of ring_6, ring_8, clip, banana.", about="end"))
    return found
