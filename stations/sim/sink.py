"""The input stage of the simulated load as the circuit meets it, and when it ends by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stations.values import Setpoint

_ALIVE_V = 0.1  # below, a load can draw nothing


@dataclass(frozen=True, slots=True)
class Sink:
    """What a load is set to; `mode` is "CC", "CV", "CW" or "CR".

    The cut-off and the timer switch it off by themselves; 0 V and infinity are never reached.
    """

    mode: str = "CC"
    current_a: float = 0.0
    voltage_v: float = 120.0
    power_w: float = 0.0
    resistance_ohm: float = 7500.0
    current_max_a: float = 240.0
    excess_a: float = 0.0  # by a fault drawn beyond what is set
    excess_v: float = 0.0  # by a fault held so far below what is set
    cutoff_v: float = 0.0
    duration_s: float = math.inf
    on: bool = False
    since_s: float = 0.0  # process time at which it was switched on

    def drive(self, terminal_v: float) -> Setpoint | None:
        """What the circuit is asked for, its current negative; None where nothing is drawn.

        Power and resistance follow the volts of the moment before.
        """
        if not (self.on and terminal_v > _ALIVE_V):
            return None
        wanted_a = {
            "CC": self.current_a,
            "CV": self.current_max_a,
            "CW": self.power_w / terminal_v,
            "CR": terminal_v / self.resistance_ohm,
        }[self.mode]
        floor_v = max(0.0, self.voltage_v - self.excess_v) if self.mode == "CV" else 0.0
        return Setpoint(floor_v, -min(wanted_a + self.excess_a, self.current_max_a))

    def is_over(self, *, terminal_v: float, at_s: float) -> bool:
        """Whether its own cut-off or its timer is reached."""
        return self.on and (
            terminal_v < self.cutoff_v or at_s - self.since_s >= self.duration_s - 1e-9
        )
