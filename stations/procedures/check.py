"""The dry run: what is wrong with a program on this bench, before any output is enabled."""

from __future__ import annotations

from stations.procedures.steps import (
    DRIVEN,
    SUPPLIED,
    Charge,
    Compare,
    Discharge,
    Instruct,
    Led,
    Measure,
    Program,
    Rest,
    SeriesCharge,
    Verify,
    Wait,
)
from stations.values import (
    UNSEEN_LEADS_MAX_V,
    UNSEEN_PRESENCE_MAX_S,
    Limits,
    LoadRatings,
    Measured,
    Ratings,
    SupplyRatings,
)

# Of the tail: the ammeter's zero is taken out (B2), but what drifts of it is not.
ZERO_SHARE = 0.5


def problems(program: Program, ratings: Ratings) -> list[str]:
    """Every reason not to start, in words; empty means go.

    Set-points, protection and the tail against what the supply can bear and resolve, a draw and
    its ends against the load, the hard limits against both, and the scanner against the number
    of cells.
    """
    found = []
    if not any(isinstance(step, Discharge) for step in program.steps) and (
        program.limits.drawn_max_a > 0 or program.limits.drawn_max_ah > 0
    ):
        found.append("The program never discharges, yet its hard limits would allow it to.")
    if not any(isinstance(step, SUPPLIED) for step in program.steps):
        found += _idle_problems(program, ratings.supply)
    for before, step in zip((None, *program.steps), program.steps, strict=False):
        if isinstance(step, Charge):
            if not isinstance(before, Verify):
                found.append(f"{step.title}: nothing verifies the bank just before it.")
            found += _charge_problems(step, program.limits, ratings.supply)
            found += _measured_problems(step, ratings.measured)
        elif isinstance(step, SeriesCharge):
            if not (isinstance(before, Verify) and before.series):
                found.append(f"{step.title}: nothing verifies the string just before it.")
            found += _series_problems(step, program, ratings)
        elif isinstance(step, Discharge):
            if not isinstance(before, Verify | Discharge):
                found.append(f"{step.title}: nothing verifies the cells just before it.")
            found += _discharge_problems(step, program.limits, ratings.load)
        elif isinstance(step, Measure):
            found += _measure_problems(step, program, ratings)
        if isinstance(before, Wait) and not isinstance(step, Verify):
            found.append(f"{step.title}: nothing verifies the cells after the wait before it.")
        if isinstance(step, Verify | Measure) and step.routed and ratings.routes < program.cells:
            found.append(
                f"The router of this bench has routes to {ratings.routes} cells, the program is "
                f"for {program.cells}."
            )
    if not _ends_measured(program):
        found.append("The program does not end with a measurement of every cell.")
    found += _unmeasured(program)
    return list(dict.fromkeys(found))


def _unmeasured(program: Program) -> list[str]:
    """Cells that are driven alone and not looked at again before the next one is."""
    found, owed = [], 0
    for step in program.steps:
        if isinstance(step, Measure | Rest) and step.cell == owed:
            owed = 0
        elif isinstance(step, Charge | Discharge) and step.cell != owed:
            if owed:
                found.append(f"{step.title}: cell {owed} is not measured before it.")
            owed = step.cell
    driven = f"Current flows in cell {owed} and it is not measured after it."
    return [*found, driven] if owed else found


def _ends_measured(program: Program) -> bool:
    """The last step looks at the cells with the output off; one cell may just rest.

    What a person takes off after that changes nothing.  Of cells that nobody sees the string is
    looked at.
    """
    *before, last = program.steps
    if isinstance(last, Instruct) and before:
        last = before[-1]
    if isinstance(last, Verify) and program.limits.cells_unseen:
        return True
    return isinstance(last, Measure | Compare | Rest)


def _idle_problems(program: Program, supply: SupplyRatings) -> list[str]:
    """A program that never charges must not be able to: its limits are below any set-point."""
    if program.limits.current_max_a < supply.current_resolution_a:
        return []
    return [
        f"The program never charges, yet its hard limit would allow "
        f"{program.limits.current_max_a:.2f} A; it must allow less than {supply.model} resolves."
    ]


def _charge_problems(step: Charge, limits: Limits, supply: SupplyRatings) -> list[str]:
    found = _output_problems(step, step.trim.rise_max_v, limits, supply)
    if not step.tail.done_a >= 2 * supply.current_resolution_a:
        found.append(
            f"{step.title}: a tail of {step.tail.done_a:.3f} A is below what {supply.model} "
            f"resolves ({supply.current_resolution_a:.3f} A)."
        )
    if limits.series_cells:
        found.append(f"{step.title}: these limits are of cells in series, not in parallel.")
    return found


def _series_problems(step: SeriesCharge, program: Program, ratings: Ratings) -> list[str]:
    limits, meter = program.limits, ratings.meter
    found = _output_problems(step, 0.0, limits, ratings.supply)
    if limits.cells_unseen:
        found += _unseen_problems(step, program, ratings)
    else:
        found += _unseen(step.title, program.cells, ratings)
    if limits.series_cells != program.cells:
        found.append(f"{step.title}: the hard limits are not of {program.cells} cells in series.")
    if not limits.bank_voltage_max_v <= meter.voltage_max_v:
        found.append(
            f"{step.title}: the string may reach {limits.bank_voltage_max_v:.1f} V, the meter "
            f"{meter.model} measures to {meter.voltage_max_v:.0f} V as it is set up here; use a "
            "station whose meter has the 100 V range."
        )
    if not step.proven_on_a >= 2 * ratings.supply.current_resolution_a:
        found.append(
            f"{step.title}: {step.proven_on_a:.3f} A cannot be told from no current by "
            f"{ratings.supply.model} ({ratings.supply.current_resolution_a:.3f} A)."
        )
    return found


def _unseen(title: str, cells: int, ratings: Ratings) -> list[str]:
    """A string whose cells nobody sees: only the highest says when to stop."""
    if _shows(cells, ratings):
        return []
    return [
        f"{title}: nothing here shows each of the {cells} cells, and the first that is full must "
        "end the charge; use a station with a BMS on a wire, or a scanner with a channel for each."
    ]


def _shows(cells: int, ratings: Ratings) -> bool:
    scanned = ratings.scanner.channels if ratings.scanner else 0
    told = ratings.bms.cells_max if ratings.bms else 0
    return max(scanned, told) >= cells


def _unseen_problems(step: SeriesCharge, program: Program, ratings: Ratings) -> list[str]:
    """B10: what must hold of a charge where the BMS alone protects cells that nobody sees."""
    found, presence = [], program.presence
    if _shows(program.cells, ratings):
        found.append(
            f"{step.title}: this bench shows each of the {program.cells} cells; use the series "
            "pre-charge that ends at the first full one."
        )
    if step.unseen is None:
        found.append(f"{step.title}: it ends by cells that nobody sees.")
    if presence is None or not presence.every.total_seconds() <= UNSEEN_PRESENCE_MAX_S:
        found.append(
            f"{step.title}: nobody sees the cells, so somebody must say at least every "
            f"{UNSEEN_PRESENCE_MAX_S / 60:.0f} min that they are there."
        )
    return found + _leads_problems(step, program.limits)


def _leads_problems(step: SeriesCharge, limits: Limits) -> list[str]:
    """The guardian must not doubt a meter that this charge does not."""
    budget, most_a = step.agreement, limits.current_max_a
    below_v = budget.supply_v + budget.lead_max_ohm * most_a
    if below_v <= UNSEEN_LEADS_MAX_V:
        return []
    bears_mohm = max(0.0, 1000 * (UNSEEN_LEADS_MAX_V - budget.supply_v) / most_a)
    return [
        f"{step.title}: with up to {most_a:.1f} A through {1000 * budget.lead_max_ohm:.0f} mΩ the "
        f"meter may lie {below_v:.1f} V below the supply, and above {UNSEEN_LEADS_MAX_V:.1f} V the "
        "guardian takes it that a cell is left out; lower the current, or take leads and a BMS of "
        f"less, and set lead_max_ohm to {int(bears_mohm)} mΩ at most."
    ]


def _output_problems(
    step: Charge | SeriesCharge, above_v: float, limits: Limits, supply: SupplyRatings
) -> list[str]:
    want, found = step.setpoint, []
    highest_v = want.voltage_v + above_v
    if not 0 < highest_v <= supply.voltage_max_v:
        found.append(
            f"{step.title}: {highest_v:.2f} V is beyond {supply.model} "
            f"({supply.voltage_max_v:.0f} V); use a supply with a higher voltage."
        )
    if not 0 < want.current_a <= supply.current_max_a:
        found.append(
            f"{step.title}: {want.current_a:.2f} A is beyond {supply.model} "
            f"({supply.current_max_a:.0f} A); lower the current or use a bigger supply."
        )
    if not want.voltage_v * want.current_a <= supply.power_max_w:
        found.append(
            f"{step.title}: {want.voltage_v * want.current_a:.0f} W is beyond {supply.model} "
            f"({supply.power_max_w:.0f} W); lower the current."
        )
    if not supply.has_protection:
        found.append(
            f"{step.title}: {supply.model} has no OVP and OCP levels of its own; use another "
            "supply."
        )
    if not want.voltage_v < step.protection.ovp_v <= supply.voltage_max_v * 1.1:
        found.append(
            f"{step.title}: OVP {step.protection.ovp_v:.2f} V must lie above the set-point "
            f"{want.voltage_v:.2f} V and within the supply's range."
        )
    if not want.current_a < step.protection.ocp_a:
        found.append(
            f"{step.title}: OCP {step.protection.ocp_a:.2f} A must lie above the set-point "
            f"{want.current_a:.2f} A."
        )
    if not want.voltage_v < limits.bank_voltage_max_v:
        found.append(f"{step.title}: the hard voltage limit is not above the set-point.")
    if not highest_v <= limits.setpoint_voltage_max_v + 1e-9:
        found.append(f"{step.title}: trim could raise the set-point above its hard limit.")
    if not want.current_a <= limits.current_max_a:
        found.append(f"{step.title}: the hard current limit is below the set-point.")
    return found


def _measured_problems(step: Charge, bench: Measured) -> list[str]:
    """What the commissioning found that this charge cannot bear; NaN is known to nobody."""
    found = []
    if abs(bench.zero_a) > ZERO_SHARE * step.tail.done_a:
        found.append(
            f"{step.title}: the supply's ammeter shows {bench.zero_a:+.3f} A with nothing flowing, "
            f"too much for a tail of {step.tail.done_a:.3f} A; have it adjusted, or use another."
        )
    if abs(bench.supply_offset_v) > step.trim.accuracy_v:
        found.append(
            f"{step.title}: the supply is {1000 * bench.supply_offset_v:+.0f} mV off, more than "
            f"its stated {1000 * step.trim.accuracy_v:.0f} mV; have it adjusted."
        )
    if step.agreement is not None and bench.leads_ohm > step.agreement.lead_max_ohm:
        found.append(
            f"{step.title}: lead {1000 * bench.leads_ohm:.0f} mΩ when the bench was commissioned, "
            f"more than {1000 * step.agreement.lead_max_ohm:.0f} mΩ; tighten the lugs or take "
            "shorter and thicker leads, and commission the bench again."
        )
    return found


def _measure_problems(step: Measure, program: Program, ratings: Ratings) -> list[str]:
    if step.by_hand is not None:
        return _by_hand_problems(step, program, ratings)
    if program.limits.series_cells:
        return _unseen(step.title, program.cells, ratings)
    if ratings.scanner is None:
        return [f"{step.title}: this bench has no scanner; use a station with one."]
    if ratings.scanner.channels < program.cells:
        return [
            f"{step.title}: the scanner sees {ratings.scanner.channels} cells, the bank has "
            f"{program.cells}; wire and configure a channel for each cell."
        ]
    return []


def _by_hand_problems(step: Measure, program: Program, ratings: Ratings) -> list[str]:
    """B9: what empties cells is watched by instruments that look every second."""
    led = step.by_hand.led if step.by_hand is not None else None
    if led is not None and (found := _led_problems(step, led, program, ratings)):
        return found
    if led is None and not ratings.by_hand:
        return [f"{step.title}: this bench has no hand-held meter; register it with the station."]
    if any(isinstance(other, Discharge | Compare) for other in program.steps):
        return [
            f"{step.title}: cells that are emptied are never read by hand; use a station with a "
            "scanner."
        ]
    return []


def _led_problems(step: Measure, led: Led, program: Program, ratings: Ratings) -> list[str]:
    """B7: where the bench's own meter cannot be led from cell to cell, and back again."""
    meter = ratings.meter
    if program.limits.series_cells:
        return [f"{step.title}: the meter stays on the string; use a hand-held meter."]
    if ratings.routes:
        return [
            f"{step.title}: the meter hangs behind the router and nobody can lead it; use a "
            "station with a scanner or a hand-held meter."
        ]
    if not meter.resolution_v <= led.settle_v:
        return [
            f"{step.title}: {meter.model} resolves {1000 * meter.resolution_v:g} mV as it is set "
            f"up here, too coarse to see it stand still within {1000 * led.settle_v:g} mV; use a "
            "station with a finer meter, or a scanner."
        ]
    ahead = program.steps[program.steps.index(step) + 1 :]
    if ahead and isinstance(ahead[0], Verify | DRIVEN):
        return [f"{step.title}: nobody is asked to put the bank meter back after it."]
    return []


def _discharge_problems(step: Discharge, limits: Limits, load: LoadRatings | None) -> list[str]:
    if load is None:
        return [f"{step.title}: this bench has no load; use a station with one."]
    want, own = step.draw.current_a, step.draw.cutoff
    found = _hold_problems(step, load) if step.draw.holds else []
    if not 10 * load.current_resolution_a <= want <= load.current_max_a:
        found.append(
            f"{step.title}: {want:.2f} A is not within what {load.model} can hold "
            f"({10 * load.current_resolution_a:.2f} … {load.current_max_a:.0f} A); change the "
            "current or use another load."
        )
    watts = want * limits.bank_voltage_max_v
    if not watts <= load.power_max_w:
        found.append(
            f"{step.title}: {watts:.0f} W is beyond {load.model} ({load.power_max_w:.0f} W); "
            "lower the current."
        )
    if not (step.draw.holds or load.voltage_resolution_v <= own.voltage_v < step.cutoff_v):
        found.append(
            f"{step.title}: the load's own cut-off of {own.voltage_v:.2f} V must lie below the "
            f"{step.cutoff_v:.2f} V that end the step; use shorter leads or a lower current."
        )
    if not 0 < own.duration_s <= load.duration_max_s:
        found.append(
            f"{step.title}: {own.duration_s / 3600:.1f} h are longer than {load.model} times "
            f"itself ({load.duration_max_s / 3600:.1f} h); raise the current."
        )
    if not limits.bank_voltage_min_v < step.cutoff_v < limits.bank_voltage_max_v:
        found.append(f"{step.title}: the hard voltage limit is not below the cut-off.")
    if not want <= limits.drawn_max_a:
        found.append(f"{step.title}: the hard limit of the load's current is below {want:.2f} A.")
    if not (limits.drawn_max_ah > 0 and step.draw_max_ah <= limits.drawn_max_ah):
        found.append(f"{step.title}: the step may draw more than the hard limit.")
    return found


def _hold_problems(step: Discharge, load: LoadRatings) -> list[str]:
    """B9: a load that holds a voltage must be able to, hold no lower, and show where it ends."""
    found, own_v = [], step.draw.cutoff.voltage_v
    if not load.has_cv:
        found.append(
            f"{step.title}: {load.model} draws a constant current and holds no voltage; choose the "
            "recipe that finishes by steps, or a station with a load that has CV."
        )
    if not own_v >= step.cutoff_v:
        found.append(
            f"{step.title}: the load would hold {own_v:.3f} V, below the cut-off of "
            f"{step.cutoff_v:.3f} V; raise it."
        )
    if not 10 * load.current_resolution_a <= step.tail_a < step.draw.current_a:
        found.append(
            f"{step.title}: it ends at {step.tail_a:.3f} A, which {load.model} cannot tell from "
            f"nothing, or which is above the current that it begins with; end it between "
            f"{10 * load.current_resolution_a:.2f} and {step.draw.current_a:.2f} A."
        )
    return found
