"""When the cells of a Measure step count as measured: settled on the scanner, or read one by one.

Pure.
"""

from __future__ import annotations

import math
from dataclasses import replace

from stations.procedures import by_hand, led
from stations.procedures.state import Run, Taken
from stations.procedures.steps import Measure
from stations.procedures.turns import seen
from stations.values import Reading


def cells_taken(run: Run, step: Measure, reading: Reading) -> tuple[Run, tuple[Taken, ...]]:
    """Every cell's voltage once it has settled, or once all were read one by one; () before.

    One by one the cells come in bank order; the first one's second reading stays in `run.typed`.
    """
    if step.by_hand is not None:
        if step.by_hand.led is not None:
            heard, run = run, led.looked(run, step.by_hand.led, reading)
            if run.typed != heard.typed:
                return run, ()  # told of before the step ends
        read = [one.position for one in run.typed]
        if by_hand.left(step, run.program.cells, read):
            return run, ()
        return run, tuple(sorted(first_of_each(run.typed), key=lambda one: one.position))
    volts = seen(step, reading)
    run, settled = _settle(run, step, volts)
    if not settled:
        return run, ()
    return run, tuple(
        Taken(position, volt, reading.at, reading.received_at)
        for position, volt in enumerate(volts, start=step.cell or 1)
    )


def first_of_each(typed: tuple[Taken, ...]) -> list[Taken]:
    found: dict[int, Taken] = {}
    for one in typed:
        found.setdefault(one.position, one)
    return list(found.values())


def _settle(run: Run, step: Measure, volts: tuple[float, ...]) -> tuple[Run, bool]:
    """Collect readings until the last few of every cell agree; a lost channel restarts it."""
    if len(volts) != (1 if step.cell else run.program.cells) or any(
        math.isnan(volt) for volt in volts
    ):
        return replace(run, settled=()), False
    kept = (*run.settled, volts)[-step.settle_samples :]
    run = replace(run, settled=kept)
    if len(kept) < step.settle_samples:
        return run, False
    spreads = [max(cell) - min(cell) for cell in zip(*kept, strict=True)]
    return run, max(spreads) <= step.settle_v
