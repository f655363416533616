"""What evidence must show, grouped as the rules use it; a policy version holds the numbers.

Volts, seconds, hours and shares as the names say.  Defaults, bounds and sources are those of
`shop.jobs.policies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shop.jobs.policies import Policy, policy_of
from stations.procedures.rules import DisconnectRule, RecheckRule
from stations.values import Window


@dataclass(frozen=True, slots=True)
class DisconnectLimits:
    """B7, relative to the balance target, by age since current stopped."""

    pass_below_v: float
    marginal_below_v: float
    above_v: float
    fresh_s: float
    late_s: float

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

    early_s: float
    early_warn_v: float
    early_fail_v: float
    late_s: float
    late_warn_v: float
    late_fail_v: float
    floor_v: float
    span_s: float  # first to last reading
    both_ways: bool = False  # of emptied cells

    def rule(self) -> RecheckRule:
        """The same rule that the bench judges by."""
        return RecheckRule(
            early=timedelta(seconds=self.early_s),
            early_warn_v=self.early_warn_v,
            early_fail_v=self.early_fail_v,
            late=timedelta(seconds=self.late_s),
            late_warn_v=self.late_warn_v,
            late_fail_v=self.late_fail_v,
            floor_v=self.floor_v,
            both_ways=self.both_ways,
        )


@dataclass(frozen=True, slots=True)
class BottomWindow:
    """B9: where a rested empty cell stands, how far apart such cells may be, and by how much more
    they may be apart at a re-check."""

    voltage: Window
    spread_max_v: float
    scatter_v: float = 0.0


@dataclass(frozen=True, slots=True)
class BottomLimits:
    """B9: emptied cells.  A last current of at most `taper_c_max` was a taper."""

    tapered: BottomWindow
    single: BottomWindow
    taper_c_max: float
    rest_min: timedelta
    rest_max: timedelta
    empty_for: timedelta  # then its leak takes it below its own limit
    recheck: RecheckLimits

    def recheck_of(self, window: BottomWindow) -> RecheckLimits:
        more_v, limits = window.scatter_v, self.recheck
        return replace(
            limits,
            early_warn_v=limits.early_warn_v + more_v,
            early_fail_v=limits.early_fail_v + more_v,
            late_warn_v=limits.late_warn_v + more_v,
            late_fail_v=limits.late_fail_v + more_v,
        )


@dataclass(frozen=True, slots=True)
class CapacityLimits:
    """G2, and what an imported capacity may look like."""

    imported_allowed: bool
    basis: str  # "group": (max − min) / median; "rating": each against the datasheet
    spread_max: float
    low_share: float  # of the rated capacity
    high_share: float
    age_max: timedelta


@dataclass(frozen=True, slots=True)
class SpreadLimits:
    """G6: how far apart the cells of one pack may be at their disconnect checks."""

    aim_v: float
    max_v: float
    manual_max_v: float  # a hand-held meter resolves less


@dataclass(frozen=True, slots=True)
class ReminderLimits:
    """When supervisors are reminded of a bank that waits, and how long cells stay full (B8)."""

    early: timedelta  # after its clock began
    before_end: timedelta  # before it is too old for the gate
    full_for: timedelta


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Everything that the gate asks for; G7 wants the `calibrated_roles` in calibration."""

    disconnect: DisconnectLimits
    recheck: RecheckLimits
    bottom: BottomLimits
    capacity: CapacityLimits
    spread: SpreadLimits
    reminders: ReminderLimits
    fresh_for: timedelta
    calibrated_roles: tuple[str, ...]
    nut_handlings_max: int  # F7: beyond it the gate warns
    balancer_a: Window  # G8: of an active balancer

    @classmethod
    def of(cls, policy: Policy) -> GatePolicy:
        return cls(
            disconnect=DisconnectLimits(
                pass_below_v=policy.pass_below_v,
                marginal_below_v=policy.marginal_below_v,
                above_v=policy.above_v,
                fresh_s=policy.check_fresh_s,
                late_s=policy.check_late_s,
            ),
            recheck=RecheckLimits(
                early_s=policy.recheck_early_s,
                early_warn_v=policy.recheck_early_warn_v,
                early_fail_v=policy.recheck_early_fail_v,
                late_s=policy.recheck_late_s,
                late_warn_v=policy.recheck_late_warn_v,
                late_fail_v=policy.recheck_late_fail_v,
                floor_v=policy.recheck_floor_v,
                span_s=policy.recheck_span_max_s,
            ),
            bottom=_bottom(policy),
            capacity=CapacityLimits(
                imported_allowed=policy.imported_capacity_allowed,
                basis=policy.capacity_basis,
                spread_max=policy.capacity_spread_max,
                low_share=policy.capacity_low_share,
                high_share=policy.capacity_high_share,
                age_max=timedelta(seconds=policy.capacity_age_max_s),
            ),
            spread=SpreadLimits(
                aim_v=policy.spread_aim_v,
                max_v=policy.spread_max_v,
                manual_max_v=policy.spread_manual_max_v,
            ),
            reminders=ReminderLimits(
                early=timedelta(seconds=policy.remind_early_s),
                before_end=timedelta(seconds=policy.remind_before_s),
                full_for=timedelta(seconds=policy.full_max_s),
            ),
            fresh_for=timedelta(seconds=policy.fresh_s),
            calibrated_roles=("meter", "scanner")
            + (("supply",) if policy.supply_calibrated else ()),
            nut_handlings_max=policy.nut_handlings_max,
            balancer_a=Window(policy.balancer_min_a, policy.balancer_max_a),
        )

    def roles_of(self, method: str) -> tuple[str, ...]:
        """The roles that must be in calibration for a balance of this method.

        Where cells were emptied the load's ammeter is what the supply's is elsewhere.
        """
        if method != "BOTTOM":
            return self.calibrated_roles
        return tuple("load" if role == "supply" else role for role in self.calibrated_roles)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> GatePolicy:
        """Of a stored policy version; raises Refusal naming every key that does not fit."""
        return cls.of(policy_of(parameters))


def _bottom(policy: Policy) -> BottomLimits:
    return BottomLimits(
        tapered=BottomWindow(
            Window(policy.bottom_low_v, policy.bottom_high_v), policy.bottom_spread_max_v
        ),
        single=BottomWindow(
            Window(policy.bottom_single_low_v, policy.bottom_single_high_v),
            policy.bottom_single_spread_max_v,
            policy.bottom_single_spread_max_v / 2,
        ),
        taper_c_max=policy.bottom_taper_c_max,
        rest_min=timedelta(seconds=policy.bottom_rest_min_s),
        rest_max=timedelta(seconds=policy.bottom_rest_max_s),
        empty_for=timedelta(seconds=policy.empty_max_s),
        recheck=RecheckLimits(
            early_s=policy.recheck_early_s,
            early_warn_v=policy.bottom_recheck_early_warn_v,
            early_fail_v=policy.bottom_recheck_early_fail_v,
            late_s=policy.recheck_late_s,
            late_warn_v=policy.bottom_recheck_late_warn_v,
            late_fail_v=policy.bottom_recheck_late_fail_v,
            floor_v=policy.bottom_recheck_floor_v,
            span_s=policy.recheck_span_max_s,
            both_ways=True,
        ),
    )
