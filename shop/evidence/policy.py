"""What evidence must show: the defaults of a policy version, never constants in code.

Volts, seconds, hours, days and shares as the names say.  Stored in
`PolicyVersion.parameters["gate"]`; a key that is absent there takes the default here, an
unknown key is refused by name.  Sources: [A] "Top Balancing vs Bottom Balancing", the step
table; cell relaxation figures from simulated scatter of sixteen held cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from stations.plain import from_plain
from stations.procedures.steps import DisconnectRule


@dataclass(frozen=True, slots=True)
class DisconnectLimits:
    """B7, relative to the balance target, by age since current stopped."""

    pass_below_v: float = 0.030  # [A] 3.62 for 3.65
    marginal_below_v: float = 0.050  # [A] 3.60 for 3.65
    above_v: float = 0.005
    fresh_s: float = 300.0
    late_s: float = 900.0

    def rule(self, target_v: float) -> DisconnectRule:
        """The same rule that the bench judges by."""
        return DisconnectRule(
            target_v=target_v,
            pass_below_v=self.pass_below_v,
            marginal_below_v=self.marginal_below_v,
            above_v=self.above_v,
            fresh=timedelta(seconds=self.fresh_s),
            late=timedelta(seconds=self.late_s),
        )


@dataclass(frozen=True, slots=True)
class RecheckLimits:
    """B8: each cell against its group's median, linear between an early and a late age."""

    early_h: float = 4.0
    early_warn_v: float = 0.040
    early_fail_v: float = 0.080
    late_h: float = 24.0
    late_warn_v: float = 0.060
    late_fail_v: float = 0.100
    floor_v: float = 3.34
    span_s: float = 1800.0  # first to last reading


@dataclass(frozen=True, slots=True)
class CapacityLimits:
    """G2, and what an imported capacity may look like."""

    imported_allowed: bool = True
    spread_max: float = 0.02  # (max − min) / median
    low_share: float = 0.50  # of the rated capacity; outside is a slip, not a cell
    high_share: float = 1.20
    age_max_days: float = 3 * 365.0


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Everything that the gate asks for; `calibrated_roles` name the instruments that G7 wants
    in calibration (the supply's ammeter is zeroed in each run and judged by the tail, so it is
    not among them unless a supervisor adds it)."""

    disconnect: DisconnectLimits = field(default_factory=DisconnectLimits)
    recheck: RecheckLimits = field(default_factory=RecheckLimits)
    capacity: CapacityLimits = field(default_factory=CapacityLimits)
    fresh_h: float = 4.0  # [A] "if more than 4 hours have elapsed"
    calibrated_roles: tuple[str, ...] = ("meter", "scanner")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> GatePolicy:
        """The gate's part of a policy version; ValueError names a key that does not fit."""
        return from_plain(cls, parameters.get("gate", {}))

    @property
    def fresh_for(self) -> timedelta:
        return timedelta(hours=self.fresh_h)
