"""What a person ticks at the bench before a start, by what is done to the cells."""

from __future__ import annotations

from shop.jobs.models import Job
from shop.jobs.procedures import BOTTOM_BALANCE, procedure_of

# B4: before anything is connected.  Ticked by a person, each time.
SET_UP = (
    "Rings, watches and necklaces are off; only insulated tools are on the table.",
    "Busbars and posts that nobody works on are covered.",
    "The supply's output is off, and its leads are not on the cells yet.",
    "The leads carry the planned current: 8–10 AWG, ring lugs, no clips, no banana plugs.",
    "Every cell stands alone now; they are joined only when the run page asks for it.",
)
# B10: a string and its BMS.
SET_UP_SERIES = (
    *SET_UP,
    "The BMS is at hand, made for this many cells, its app or wire at work.",
)
# B12, B17: the same, and no cell is ever joined to another.
SET_UP_SINGLE = (
    *SET_UP[:4],
    "Every cell stands alone and stays alone; each is connected only when the run page asks.",
)
# B16: supply and load on one cell.
SET_UP_CAPACITY = (
    "Rings, watches and necklaces are off; only insulated tools are on the table.",
    "Posts that nobody works on are covered; no link joins this cell to another.",
    "Supply and load are off, and their leads are not on the cell yet.",
    "The load's leads carry the discharge current and are short; the meter has wires of its own.",
)
# B9: the load on one cell after the other.
SET_UP_BOTTOM = (
    *SET_UP_CAPACITY[:1],
    "Posts that nobody works on are covered; no link joins any two cells.",
    "Supply and load are off, and their leads are not on any cell yet.",
    "The load's leads carry the discharge current and are short; the meter has wires of its own.",
    "The meter is a bench meter that is read by the station, not one that is held by hand.",
    "A charger for the whole pack is ready: cells that stay empty for days are harmed.",
)
# A current step: the load alone on one cell.
SET_UP_RESISTANCE = (
    *SET_UP_CAPACITY[:2],
    "Supply and load are off, and their leads are not on the cell yet; it has rested for hours.",
    "The load's leads carry the current of the step and are short.",
    "The meter has wires of its own, on the posts and not on the lugs; the cell is at 20 to 28 °C.",
)
# B14: a pack, whole.
SET_UP_PACK = (
    "Rings, watches and necklaces are off; only insulated tools are on the table.",
    "The pack is off its inverter and off every charger; its own BMS stays in it.",
    "Supply and load are off, and their leads are not on the pack yet.",
    "The leads carry the currents of the plan; the meter has wires of its own.",
)
SET_UP_LOADED = {
    "capacity": SET_UP_CAPACITY,
    "resistance": SET_UP_RESISTANCE,
    "spread": SET_UP_PACK,
}
# B8: nothing is connected and nothing is charged.
SET_UP_RESTING = (
    "The supply's output is off and its leads are not on any cell.",
    "No link joins any two cells; posts that nobody works on are covered.",
    "The cells have lain together, within 3 °C of each other.",
)


def set_up(job: Job) -> tuple[str, ...]:
    procedure = procedure_of(job.kind)
    if job.kind == BOTTOM_BALANCE:
        return SET_UP_BOTTOM
    if procedure.measures:
        return SET_UP_LOADED[procedure.measures]
    if not procedure.moves_charge:
        return SET_UP_RESTING
    if procedure.in_series:
        return SET_UP_SERIES
    return SET_UP if procedure.joins else SET_UP_SINGLE
