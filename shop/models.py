"""Every model of the app, for Django; each lives with its concept."""

from shop.alerts.models import AlertCheck, RunAlert
from shop.audit.models import AuditEntry
from shop.care.models import BalanceSkip, Disassembly, PackReading, Recovery
from shop.cells.models import Batch, Cell, CellType, StudFitting
from shop.equipment.models import (
    Calibration,
    CalibrationWithdrawal,
    Commissioning,
    Instrument,
    Station,
    StationLease,
    StationRetirement,
)
from shop.evidence.models import (
    Approval,
    Balance,
    CapacityTest,
    CellBalance,
    CellVoltage,
    ResistanceTest,
    Supersession,
    VoltageCheck,
)
from shop.jobs.models import (
    Job,
    JobCell,
    JobEvent,
    PersonAct,
    PolicyVersion,
    Recipe,
    RecipeRetirement,
    RecipeVersion,
    Run,
    RunCell,
)
from shop.leads.models import LeadFitting, LeadSet
from shop.packs.models import GateDecision, Pack, PackDesign, Placement
from shop.people.models import Customer, User
from shop.quality.models import Disposition, Nonconformance
from shop.readings.models import Manifest, ReadingChunk
from shop.requests.models import DoneRequest
from shop.shelf.models import Alert, ShelfPlace
from shop.signing.models import KeyRetirement, SigningKey
from shop.trace.models import TraceLink

__all__ = [
    "Alert",
    "AlertCheck",
    "Approval",
    "AuditEntry",
    "Balance",
    "BalanceSkip",
    "Batch",
    "Calibration",
    "CalibrationWithdrawal",
    "CapacityTest",
    "Cell",
    "CellBalance",
    "CellType",
    "CellVoltage",
    "Commissioning",
    "Customer",
    "Disassembly",
    "Disposition",
    "DoneRequest",
    "GateDecision",
    "Instrument",
    "Job",
    "JobCell",
    "JobEvent",
    "KeyRetirement",
    "LeadFitting",
    "LeadSet",
    "Manifest",
    "Nonconformance",
    "Pack",
    "PackDesign",
    "PackReading",
    "PersonAct",
    "Placement",
    "PolicyVersion",
    "ReadingChunk",
    "Recipe",
    "RecipeRetirement",
    "RecipeVersion",
    "Recovery",
    "ResistanceTest",
    "Run",
    "RunAlert",
    "RunCell",
    "ShelfPlace",
    "SigningKey",
    "Station",
    "StationLease",
    "StationRetirement",
    "StudFitting",
    "Supersession",
    "TraceLink",
    "User",
    "VoltageCheck",
]
