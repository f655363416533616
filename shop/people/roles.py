"""Who may do what: one table, read by every service.

Anyone who is logged in may stop a run; a stop is never refused for rank.  That a supervisor
does not approve what they ran or assemble is a rule of the evidence (G1), not of the role.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from shop.refusals import Problem, RoleRefusal


class Role(StrEnum):
    TECHNICIAN = "TECHNICIAN"
    SUPERVISOR = "SUPERVISOR"


class Act(StrEnum):
    STOP = "stop"
    CREATE_JOB = "create_job"
    CLAIM = "claim"
    RELEASE = "release"
    CANCEL_JOB = "cancel_job"
    START = "start"
    CONFIRM = "confirm"
    IMPORT_CAPACITY = "import_capacity"
    COMMISSION = "commission"  # a station
    FIT_STUDS = "fit_studs"
    SHELVE = "shelve"  # cells
    ASSEMBLE = "assemble"
    SHARE_TRACE = "share_trace"
    READ_PACK = "read_pack"  # its cells, in use
    TAKE_APART = "take_apart"  # a pack
    SKIP_BALANCE = "skip_balance"
    REVOKE_TRACE = "revoke_trace"
    APPROVE = "approve"
    DISPOSE = "dispose"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"  # a calibration
    GIVE_UP = "give_up"  # a run whose bench is lost
    READ_AUDIT = "read_audit"
    DEFINE = "define"  # stations, instruments, calibration, recipes, policies, designs, cells


_BENCH_WORK = frozenset(
    {
        Act.STOP,
        Act.CREATE_JOB,
        Act.CLAIM,
        Act.RELEASE,
        Act.CANCEL_JOB,
        Act.START,
        Act.CONFIRM,
        Act.IMPORT_CAPACITY,
        Act.COMMISSION,
        Act.FIT_STUDS,
        Act.SHELVE,
        Act.ASSEMBLE,
        Act.SHARE_TRACE,
        Act.READ_PACK,
    }
)

ACTS: Mapping[Role, frozenset[Act]] = {
    Role.TECHNICIAN: _BENCH_WORK,
    Role.SUPERVISOR: frozenset(Act),
}


def may(role: str, act: str) -> bool:
    """Whether someone with `role` may do `act`; an unknown role may do nothing.

    Raises ValueError for an act that does not exist: a mistake in the program.
    """
    wanted = Act(act)
    return any(role == known and wanted in acts for known, acts in ACTS.items())


def require(role: str, act: str) -> None:
    """Raise RoleRefusal, in words, unless someone with `role` may do `act`."""
    if may(role, act):
        return
    able = [r.value.lower() for r in Role if act in ACTS[r]]
    words = act.replace("_", " ")
    raise RoleRefusal(
        [
            Problem(
                "role",
                f"A {str(role).lower() or 'stranger'} may not {words}.",
                f"Ask a {' or '.join(able)}.",
            )
        ]
    )
