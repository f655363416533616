"""Step-and-pause top balance of a parallel bank (requirement B11).

The parallel top balance in three voltages: the bank is charged to the first one until next to
no current flows, the output goes off, the next voltage is set and read back, and so on to the
target.  Source: [B] "Top Balancing LiFePo4 Cells using a low cost 10A benchtop power supply",
appendix B, after MarineHowTo: 3.400, 3.500 and 3.600 V, at 80 % of the rated current or less,
each until "current has dropped to 0.0A".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from stations.procedures import top_balance
from stations.procedures.steps import Charge, PlanRefused, Program, Step, Verify

NAME = "step-and-pause top balance"
VERSION = "3"

# A bank that rests above a voltage on the way draws nothing there.  A lead that is off looks the
# same, and is found at the target, where a current must be seen.
NO_CURRENT_NEEDED_A = -1.0


@dataclass(frozen=True, slots=True)
class Recipe(top_balance.Recipe):
    """The numbers of a parallel top balance, and the voltages on the way to its target.

    No supply shows 0.0 A for certain: the current is "next to none" at the tail of one single
    cell (0.25 A for 200 Ah, of the whole bank), which planning refuses where the supply does not
    resolve it or the bank leaks as much by itself.
    """

    target_v: float = 3.60  # [B] appendix B, step 6
    tail_basis: str = "cell"
    first_v: float = 3.40  # [B] appendix B, step 2
    second_v: float = 3.50  # step 4
    stage_cv_min_s: float = 0.0  # at each voltage before the target; the tail's dwell holds there
    # Most of the charge goes in at the first voltage, held: it is some 45 mV above the plateau,
    # of which leads of 5 mohm let 60 % of 14.4 A through, of 15 mohm 20 %.
    first_share: float = 0.25  # of the set current, that its time limit reckons with


def problems(spec: top_balance.Spec, recipe: Recipe) -> list[str]:
    """Why this cannot work beyond what stands in the way of any parallel top balance."""
    found = []
    if not recipe.first_v < recipe.second_v < recipe.target_v:
        found.append(
            f"The voltages {recipe.first_v:.3f}, {recipe.second_v:.3f} and {recipe.target_v:.3f} V "
            "do not rise; each must be above the one before."
        )
    if spec.full_rating_allowed:
        found.append("Step and pause keeps to its share of the supply's rating, never all of it.")
    return found


def program(spec: top_balance.Spec, recipe: Recipe) -> Program:
    """The steps of one step-and-pause balance.  Raises PlanRefused naming every reason.

    `spec.recipe` is `recipe`.
    """
    found = [*top_balance.problems(spec), *problems(spec, recipe)]
    if found:
        raise PlanRefused(found)
    whole = top_balance.program(spec)
    at = next(i for i, step in enumerate(whole.steps) if isinstance(step, Charge))
    stages = _stages(whole.steps[at], whole.steps[at - 1], recipe)
    lasts_s = sum(s.timeout.total_seconds() for s in stages)
    return replace(
        whole,
        name=NAME,
        version=VERSION,
        steps=(*whole.steps[:at], *stages, *whole.steps[at:]),
        limits=replace(whole.limits, duration_max_s=whole.limits.duration_max_s + lasts_s),
        facts=(("first_v", recipe.first_v), ("second_v", recipe.second_v), *whole.facts),
    )


def _stages(balance: Step, verify: Step, recipe: Recipe) -> tuple[Charge | Verify, ...]:
    """Each voltage before the target, and the pause after it: output off, the bank seen again."""
    assert isinstance(balance, Charge) and isinstance(verify, Verify)  # noqa: S101, PT018
    first = _patient(_stage(balance, "first", recipe.first_v, recipe), recipe)
    second = _stage(balance, "second", recipe.second_v, recipe)
    return (
        first,
        replace(verify, name="pause-first", title=_pause(recipe.second_v)),
        second,
        replace(verify, name="pause-second", title=_pause(recipe.target_v)),
    )


def _pause(next_v: float) -> str:
    return f"Pause: output off, next {next_v:.3f} V"


def _patient(stage: Charge, recipe: Recipe) -> Charge:
    """With time for the whole bulk at less than the set current; a steady one is no flat tail."""
    lasts = stage.timeout / recipe.first_share
    tail = replace(stage.tail, cv_max=lasts, flat_for=lasts)
    return replace(stage, timeout=lasts, tail=tail)


def _stage(balance: Charge, name: str, voltage_v: float, recipe: Recipe) -> Charge:
    """The charge to the target, to a lower voltage; nobody is waited for at its end."""
    return replace(
        balance,
        name=name,
        title=f"Charge to {voltage_v:.3f} V until next to no current flows",
        setpoint=replace(balance.setpoint, voltage_v=voltage_v),
        protection=replace(balance.protection, ovp_v=round(voltage_v + recipe.ovp_above_v, 6)),
        tail=replace(
            balance.tail,
            at_least_v=round(voltage_v - recipe.at_least_below_v, 6),
            cv_min=timedelta(seconds=recipe.stage_cv_min_s),
            proven_on_a=NO_CURRENT_NEEDED_A,
        ),
        alarm_v=voltage_v + recipe.alarm_above_v,
        hold_for="",
        hold_max=timedelta(0),
        stage=True,
    )
