"""What was measured, tested, balanced and approved.  Append-only; status is derived from it.

Voltages are volts at the cell's own posts, individually, unloaded.  `at` stamps are process
time (the bench clock), `received_at` and `recorded_at` are wall time; ages of evidence count in
wall time from `current_stopped_received_at`.
"""

from shop.evidence.models.balances import Balance, CellBalance
from shop.evidence.models.checks import CellVoltage, VoltageCheck
from shop.evidence.models.tested import CapacityTest, ResistanceTest
from shop.evidence.models.words import Approval, Supersession

__all__ = [
    "Approval",
    "Balance",
    "CapacityTest",
    "CellBalance",
    "CellVoltage",
    "ResistanceTest",
    "Supersession",
    "VoltageCheck",
]
