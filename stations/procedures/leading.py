"""A program at a bench without a scanner: its own meter is led from cell to cell (B7, B8, B3).

Pure.  While an output is on the meter is on the bank, as ever.  So people are told when to take
its leads off and when to put them back, and the Verify before each charge holds it against the
cells that it was just led to.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stations.procedures.by_hand import how, unscanned
from stations.procedures.steps import DRIVEN, Instruct, Led, Measure, Program, Step, Verify

# A tenth of what cells may differ by (G6), seen by four samples a second apart; a hand that shakes
# or a film on the post is seen at once, and a good contact settles well within the rest.
LED = Led(settle_v=0.001, settle=timedelta(seconds=3), wait_max=timedelta(seconds=30))
JUMP_PARTED_V = 0.010  # G6: what cells read by one meter may differ by at their disconnect check

TAKE = (
    "The bank meter's leads come off as well, and probes go on them: the meter is led from cell to "
    "cell straight after."
)
BACK = (
    "The bank meter was led to each cell: its leads go back to their place with this, before you "
    "confirm. The check that follows must show it on these very cells."
)


def led_steps(program: Program) -> Program:
    """The same program with every look at the cells by the bench's meter, which is led to them."""
    steps: list[Step] = []
    in_hand = False
    for at, step in enumerate(map(unscanned, program.steps)):
        if isinstance(step, Measure):
            if not in_hand:
                steps = _taken_off(steps)
            in_hand = True
            own = how(step, program.cells, parted_v=JUMP_PARTED_V)
            steps.append(replace(step, by_hand=replace(own, led=LED)))
        elif in_hand and isinstance(step, Instruct) and _looks_at_bank(program.steps[at + 1 :]):
            steps.append(_with(step, BACK, ", meter back on"))
            in_hand = False
        else:
            steps.append(step)
    waits_s = PROBES.timeout.total_seconds() * steps.count(PROBES)
    limits = replace(program.limits, duration_max_s=program.limits.duration_max_s + waits_s)
    return replace(program, steps=tuple(steps), limits=limits)


def _taken_off(steps: list[Step]) -> list[Step]:
    """Whoever did the last thing takes the meter off as well; else somebody is asked to."""
    if steps and isinstance(last := steps[-1], Instruct):
        return [*steps[:-1], _with(last, TAKE, ", meter in hand")]
    return [*steps, PROBES]


def _looks_at_bank(ahead: tuple[Step, ...]) -> bool:
    """Whether the meter is wanted in its place before it is led round again."""
    for step in ahead:
        if isinstance(step, Measure):
            return False
        if isinstance(step, Verify | DRIVEN):
            return True
    return False


def _with(step: Instruct, words: str, confirmed: str) -> Instruct:
    more = "" if "meter" in step.confirm.lower() else confirmed
    return replace(step, text=f"{step.text} {words}", confirm=f"{step.confirm}{more}")


PROBES = Instruct(
    "probes",
    "Take the bank meter's leads in hand",
    "Rings and watches off; the output is off. No link and no lead on any cell: each stands alone. "
    "The bank meter's leads come off what they are on, and probes go on them: the meter is led "
    "from cell to cell next, and nobody types what it shows.",
    "Every cell stands alone, meter in hand",
    drawing="unlinked",
)
