"""The Wait step: all stands ready, the output off, nobody there, until its moment has come (F6).

The cells are judged as the Verify after it will judge them, and what alone watches them later, the
meter and the probes, must be live (F4): who comes to know of it before the night may put it right.
"""

from __future__ import annotations

import math
from datetime import datetime

from stations.frozen import changed
from stations.procedures import verifying
from stations.procedures.actions import Action, Hold, SafeHold
from stations.procedures.progress import close_step, onward
from stations.procedures.state import Run
from stations.procedures.steps import Verify, Wait
from stations.values import Reading


def decide_wait(run: Run, step: Wait, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Hold until the moment, or a person's word; never on while something is amiss."""
    wrong = _wrong(run, reading)
    if wrong:
        return amiss(run, step, wrong, now)
    if run.amiss_since is not None:
        run = changed(run, amiss_since=None)
    if now < step.until and step.name not in run.confirmed:
        return run, Hold()
    return onward(close_step(run, now))


def amiss(run: Run, step: Wait, words: str, now: datetime) -> tuple[Run, Action]:
    """Something is not as it must be: no progress, and the end once that has lasted too long."""
    since = run.amiss_since or now
    if now - since > step.patience:
        return run, SafeHold(f"“{step.title}”: {words}")
    return changed(run, amiss_since=since), Hold()


def _wrong(run: Run, reading: Reading) -> str:
    if not math.isfinite(reading.voltage_v):
        return "the bank meter shows no voltage"
    celsius = reading.temperatures_c
    if not celsius or not all(map(math.isfinite, celsius)):
        return "the probes on the cells show no temperature"
    following = run.program.steps[run.step_index + 1]
    return verifying.doubt(run, following, reading) if isinstance(following, Verify) else ""
