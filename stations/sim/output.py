"""The output stage of the simulated supply as the circuit meets it, and when it trips."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stations.values import Setpoint

_ROUNDING = 1e-6  # a regulated level computes to a hair above its set value


@dataclass(frozen=True, slots=True)
class Output:
    """The supply's true levels and thresholds at its terminals, and the state of its relay."""

    voltage_v: float
    current_a: float
    ovp_v: float
    ocp_a: float
    on: bool = False
    tripped: str = ""  # "", "OVP" or "OCP"
    excess_v: float = 0.0  # by a fault regulated so much above its level
    drift_v: float = 0.0  # likewise by its reference: its voltmeter and its OVP are off as well
    creep_v_s: float = 0.0  # and so much more drift each second

    @property
    def supply(self) -> Setpoint | None:
        """What the circuit is offered; None while the relay is open."""
        if not self.on:
            return None
        return Setpoint(self.voltage_v + self.excess_v + self.drift_v, self.current_a)

    def after(self, seconds: float) -> Output:
        if not self.creep_v_s:
            return self
        return replace(self, drift_v=self.drift_v + seconds * self.creep_v_s)

    def trip(self, *, voltage_v: float, current_a: float) -> str:
        """Which protection is exceeded, by what is measured or by what is set; "" if none.

        A level set above its own threshold trips at once on this family.
        """
        if not self.on:
            return ""
        if max(voltage_v - self.drift_v, self.voltage_v) > self.ovp_v + _ROUNDING:
            return "OVP"
        if max(current_a, self.current_a) > self.ocp_a + _ROUNDING:
            return "OCP"
        return ""
