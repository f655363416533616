"""Top balance of single cells, one after the other on one supply (requirements B12, B17).

Each cell is charged alone to the same target and to its own tail, taken off the leads, and
measured within its own age; then the next one is connected.  The bank meter stands on the cell
that is connected; the scanner sees all that lie on the table.  With one cell it is the recharge
of a cell that was marginal at its disconnect check.  Sources: [B] "Top Balancing LiFePo4 Cells
using a low cost 10A benchtop power supply", appendix C; [A] "Top Balancing vs Bottom
Balancing", which tops a marginal cell up alone.  The recipe is that of a parallel top balance:
what scales with the bank there scales with the one cell here.  Cells that were topped one by
one (20 A, 3.65 V to 0.25 A) end within 0.03 % of charge of each other in a model of the cell,
as good as a parallel hold.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stations.procedures import top_balance
from stations.procedures.handling import torqued
from stations.procedures.planned import resume_rule
from stations.procedures.rules import RestedRule
from stations.procedures.steps import Instruct, Measure, PlanRefused, Program, Step
from stations.values import Limits, Window

NAME = "individual top balance"
VERSION = "3"


def step_name(name: str, position: int) -> str:
    """ "disconnect", 3 -> "disconnect-3"."""
    return f"{name}-{position}"


def program(spec: top_balance.Spec, *, routed: bool = False) -> Program:
    """The steps for all cells of `spec`, in their order.  Raises PlanRefused with every reason.

    `routed`: a router moves the leads, so that a person is asked for only before the first cell
    and after the last; nobody is waited for at the end of a cell, so nothing needs a refresh.
    """
    one = replace(spec, cells=1)
    found = top_balance.charging_problems(one)
    if found:
        raise PlanRefused(found)
    recipe = spec.recipe
    done_a, partial_a = one.tail_a(recipe.tail_basis)
    return Program(
        name=NAME,
        version=VERSION,
        cells=spec.cells,
        target_v=recipe.target_v,
        steps=_routed_steps(spec, one) if routed else _steps(spec, one),
        limits=_limits(one, spec.cells),
        resume=resume_rule(recipe),
        facts=(
            ("current_a", one.current_a),
            ("cell_ah", one.capacity_ah),
            ("tail_done_a", done_a),
            ("tail_partial_a", partial_a),
            ("leak_floor_a", one.leak_floor_a),
            ("cells", float(spec.cells)),
        ),
    )


def _steps(spec: top_balance.Spec, one: top_balance.Spec) -> tuple[Step, ...]:
    return (_rested(spec), *(s for n in range(1, spec.cells + 1) for s in _turn(one, n)))


def _routed_steps(spec: top_balance.Spec, one: top_balance.Spec) -> tuple[Step, ...]:
    """All leads are put on once; the router parts each cell before it is measured."""
    wait = timedelta(seconds=spec.recipe.wait_max_s)
    turns = (s for n in range(1, spec.cells + 1) for s in _routed_turn(one, n))
    return (
        _rested(spec),
        Instruct(
            "connect",
            f"Connect the router's leads to all {spec.cells} cells",
            "Rings and watches off, insulated tools, other posts covered. No link joins any cells. "
            "Lead pair 1 of the router on cell 1, positive to its plus, negative to its minus, and "
            f"so on to the last one. The scanner's wires stay on. {torqued(spec.torque_nm)} "
            "The output is off, every route is open.",
            "All leads are on, nuts torqued, polarity and numbers checked",
            drawing="routed",
            timeout=wait,
        ),
        *turns,
        Instruct(
            "unlink",
            "Take the router's leads off",
            "The output is off, every route is open, every cell was measured. Take all leads off.",
            "The leads are off",
            drawing="unlinked",
            timeout=wait,
        ),
    )


def _routed_turn(one: top_balance.Spec, n: int) -> tuple[Step, ...]:
    recipe = one.recipe
    joined = top_balance.verify(one, step_name("joined", n), f"See that it is cell {n}", first=True)
    hold = top_balance.charge(
        one, step_name("balance", n), f"Charge and hold cell {n}", recipe.cv_min_s, first=True
    )
    return (
        replace(joined, cell=n, routed=True),
        replace(hold, cell=n, hold_for=""),
        _disconnect(one, n, routed=True),
    )


def _disconnect(one: top_balance.Spec, n: int, *, routed: bool = False) -> Measure:
    return Measure(
        step_name("disconnect", n),
        f"Disconnect check of cell {n}",
        top_balance.disconnect_rule(one.recipe),
        cell=n,
        routed=routed,
    )


def _rested(spec: top_balance.Spec) -> Measure:
    recipe = spec.recipe
    allowed = Window(spec.cell_voltage_min_v, recipe.target_v + recipe.above_v)
    return Measure(
        "rested", "Measure every cell before any is charged", RestedRule(allowed, spec.capacity_ah)
    )


def _turn(one: top_balance.Spec, n: int) -> tuple[Step, ...]:
    """One cell from the leads on to its disconnect check."""
    recipe = one.recipe
    wait, finish = timedelta(seconds=recipe.wait_max_s), step_name("finish", n)
    joined = top_balance.verify(one, step_name("joined", n), f"See that it is cell {n}", first=True)
    hold = top_balance.charge(
        one, step_name("balance", n), f"Charge and hold cell {n}", recipe.cv_min_s, first=True
    )
    again = top_balance.charge(
        one,
        step_name("refresh", n),
        f"Refresh hold of cell {n}",
        recipe.refresh_cv_min_s,
        first=False,
    )
    return (
        Instruct(
            step_name("connect", n),
            f"Connect cell {n} alone",
            "Rings and watches off, insulated tools, other posts covered. No link joins any cells. "
            f"Positive lead to plus of cell {n}, negative lead to its minus, the bank meter on the "
            f"same posts. The scanner's wires {n} stay on it. {torqued(one.torque_nm)} "
            "The output is off.",
            f"Leads and meter are on cell {n}, nuts torqued, polarity checked",
            drawing="single",
            timeout=wait,
        ),
        replace(joined, cell=n),
        replace(hold, cell=n, hold_for=finish),
        Instruct(
            finish,
            f"Cell {n} is done: be at the bench to finish",
            "The output is off. When you are at the bench, finish: the cell is held once more for "
            "a short while, then the leads come off and it is measured within 5 minutes.",
            "I am at the bench, finish",
            announceable=True,
            timeout=wait,
        ),
        replace(
            joined,
            name=step_name("joined-still", n),
            title=f"See that it is still cell {n}",
            cell=n,
            skip_if_announced=finish,
        ),
        replace(again, cell=n, skip_if_announced=finish),
        Instruct(
            step_name("unlink", n),
            f"Take the leads off cell {n} now",
            "The output is off. Both leads off, so that the cell stands alone. The pass window "
            "counts from current stopped and closes after 5 minutes.",
            "The leads are off",
            drawing="unlinked",
            timeout=wait,
        ),
        _disconnect(one, n),
    )


def _limits(one: top_balance.Spec, cells: int) -> Limits:
    """Those of one cell; time and charge of a session are of all of them."""
    limits = top_balance.hard_limits(one)
    return replace(
        limits,
        duration_max_s=cells * limits.duration_max_s,
        charge_max_ah=cells * limits.charge_max_ah,
    )
