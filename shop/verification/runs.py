"""A run, its balance and its checks, held against the manifest of its last attempt.

What a row says beside its figures counts at the gate too: which cell, of which bench, when current
stopped.  Each function gives the first thing that is not as it was sealed, in words; "" for none.
A manifest of an earlier schema that does not say a thing is asked nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shop.equipment.states import ONE_BY_ONE, InstrumentRole
from shop.evidence.canonical import plain, sha256_of
from shop.evidence.models import (
    Balance,
    CapacityTest,
    CellVoltage,
    ResistanceTest,
    VoltageCheck,
)
from shop.evidence.services.checks import DEPARTURES
from shop.jobs.models import PersonAct, Run
from shop.jobs.procedures import PROCEDURES
from shop.jobs.results import check_kind
from shop.jobs.sheets import SCANNED, TYPED
from shop.jobs.states import TERMINAL, RunState
from shop.quality.models import Nonconformance
from shop.verification.records import MILLIONTHS

Body = Mapping[str, Any]


def run_problem(run: Run, body: Body) -> str:
    """`body` is of the run's last sealed attempt."""
    sealed = (body.get("outcome") or {}).get("state")
    if run.state != sealed:
        run.refresh_from_db(fields=["state"])  # it may have ended since the walk read it
    if run.state != sealed:
        return f"is {run.state}, sealed as {sealed}"
    program = (body.get("program") or {}).get("sha256")
    stored = {run.program_hash} | ({sha256_of(run.program)} if run.program else set())
    if stored != {program}:
        return "its program is not the one that was sealed"
    if bool(run.simulated) != body.get("simulated"):
        return _flipped(bool(run.simulated))
    cells = dict(run.run_cells.values_list("position", "cell__serial"))
    if cells != _serials(body):
        return "its cells are not those that were sealed"
    return ""


def is_last(run: Run, attempt: int) -> bool:
    """Whether nothing can follow what the manifest of `attempt` sealed."""
    return run.state in TERMINAL or attempt >= run.attempt


def written_problem(
    row: Balance | VoltageCheck | CapacityTest | ResistanceTest, run: Run, body: Body
) -> str:
    """What all that a run leaves has in common: the bench, and that it was written when its last
    attempt was sealed, for the newer of two counts."""
    if row.simulated != body.get("simulated"):
        return _flipped(bool(row.simulated))
    sealed_at = _time(body.get("sealed_at"))
    if sealed_at and body.get("attempt") == run.attempt and row.recorded_at != sealed_at:
        return "was recorded at another time than its run was sealed"
    return ""


def balance_problem(balance: Balance, run: Run, body: Body) -> str:
    """Of the recipe that was sealed, and by its method."""
    if words := row_problem(balance, run, body):
        return words
    recipe = balance.recipe_version
    if recipe.pk != body.get("recipe", {}).get("id", recipe.pk):
        return "its recipe is not the one that was sealed"
    known = PROCEDURES.get(recipe.procedure)
    if known is not None and balance.method != known.method:
        return f"its method is {balance.method}, its recipe's {known.method}"
    return ""


def tested_problem(test: CapacityTest | ResistanceTest, run: Run, body: Body) -> str:
    """When it was measured: as current stopped."""
    if words := written_problem(test, run, body):
        return words
    stopped = _time((body.get("current_stopped") or {}).get("received_at"))
    if stopped and test.tested_at != stopped:
        return "was measured at another time than was sealed"
    return ""


def row_problem(row: Balance | VoltageCheck, run: Run, body: Body) -> str:
    """What a balance and a check have in common besides: the target and the policy."""
    if words := written_problem(row, run, body):
        return words
    target = (run.program or {}).get("target_v")
    if target is not None and plain(row.target_v) != plain(float(target)):
        return f"target_v is {row.target_v}, the sealed program's {target}"
    if row.policy_version.version != body.get("policy_version"):
        return "its policy is not the one that was sealed"
    return ""


def check_problem(check: VoltageCheck, run: Run, body: Body) -> str:
    if words := row_problem(check, run, body):
        return words
    meters = {entry.get("serial_number") for entry in body.get("instruments", [])}
    if meters and check.meter.serial_number not in meters:
        return f"meter {check.meter.serial_number} is not among the instruments that were sealed"
    if words := _one_by_one_problem(check, body) or _compared_problem(check, run, body):
        return words
    if check.kind == VoltageCheck.Kind.PRE_PARALLEL or "current_stopped" not in body:
        return ""
    stopped = (check.current_stopped_at, check.current_stopped_received_at)
    rows = check.cells.all()
    alone = {r.get("cell"): r["stopped"] for r in body.get("records", []) if r.get("stopped")}
    sealed = (len(rows) == 1 and alone.get(rows[0].position)) or body["current_stopped"] or {}
    if stopped != (_time(sealed.get("at")), _time(sealed.get("received_at"))):
        return "current stopped at another time than was sealed"
    return ""


def _compared_problem(check: VoltageCheck, run: Run, body: Body) -> str:
    """A second self-discharge check names the first that was sealed, whose volts it went by; each
    has its warmth."""
    sealed = [
        dict(record["facts"])
        for record in body.get("records", [])
        if record["cells"] and check_kind(record["step"]) == check.kind
    ]
    facts = sealed[-1] if sealed else {}
    if plain(check.temperature_c) != facts.get("temperature_c"):
        return "its temperature is not as it was sealed"
    first = facts.get("first_check") or 0
    if first != MILLIONTHS * (check.compared_with_id or 0):
        return "is compared with another check than was sealed"
    if check.compared_with is None:
        return ""
    before = dict(check.compared_with.cells.values_list("cell_id", "voltage_v"))
    rule = (run.program or {})["steps"][-1]["rule"]
    seen = [before.get(row.cell_id) for row in check.cells.all()]  # as they stood
    return "" if seen == rule["before_v"] else "the first check saw other volts than it went by"


def _one_by_one_problem(check: VoltageCheck, body: Body) -> str:
    """What read the cells, and the first one's second reading."""
    places = {row.position for row in check.cells.all()}
    for record in body.get("records", []):
        if check_kind(record["step"]) != check.kind:
            continue
        if {cell["position"] for cell in record["cells"]} != places:
            continue
        read_by = record.get("meter", "")
        if (check.meter.serial_number if read_by else "") != read_by:
            return f"was read by {read_by}, and names {check.meter.serial_number}"
        role = check.meter.role
        if read_by and role != _sealed_role(read_by, body):
            return f"was read {_how_read(read_by, body)}, and no longer says so"
        seen = any(cell["voltage_v"] is not None for cell in record["cells"])
        if not read_by and seen and check.kind != VoltageCheck.Kind.BOTTOM and role in ONE_BY_ONE:
            return "was read by a scanner, and no longer says so"
        if plain(check.again) != _again(record.get("again")):
            return "the first cell's second reading is not as it was sealed"
    return ""


def _sealed_role(meter: str, body: Body) -> str:
    """Of the one that went from cell to cell; at first that was a hand-held one alone."""
    for entry in body.get("instruments", []):
        if entry.get("serial_number") == meter:
            return str(entry.get("role", InstrumentRole.MANUAL))
    return str(InstrumentRole.MANUAL)


def _how_read(meter: str, body: Body) -> str:
    by_hand = _sealed_role(meter, body) == InstrumentRole.MANUAL
    return "by hand" if by_hand else "by the bench meter, cell by cell"


def _again(sealed: Body | None) -> dict[str, Any] | None:
    """As `plain` says it of the row's: in UTC."""
    if sealed is None:
        return None
    times = {name: plain(_time(sealed[name])) for name in ("at", "received_at")}
    return {**sealed, **times}


def missing_acts(run: Run, body: Body) -> Iterator[str]:
    """Figures that were sealed as typed by a person, or of a cell that one scanned, and that no
    act of a person says."""
    acts = list(run.acts.filter(kind__in=(TYPED, SCANNED)))
    typed = {(*_of_act(act), plain(act.data.get("voltage_v"))) for act in acts if act.kind == TYPED}
    scanned = {_of_act(act) for act in acts if act.kind == SCANNED}
    for record in body.get("records", []):
        if not record.get("meter"):
            continue
        by_hand = _sealed_role(record["meter"], body) == InstrumentRole.MANUAL
        for cell in [*record["cells"], *filter(None, [record.get("again")])]:
            at = (record["step"], cell["position"])
            said = (*at, cell["voltage_v"]) in typed if by_hand else at in scanned
            if cell["voltage_v"] is not None and not said:
                done = "typed what was sealed for" if by_hand else "scanned"
                yield f"nobody {done} the cell at {cell['position']}"


def _of_act(act: PersonAct) -> tuple[Any, Any]:
    return act.data.get("step"), act.data.get("cell")


def cell_problem(row: CellVoltage, body: Body) -> str:
    sealed = _serials(body).get(row.position)
    if row.cell.serial != sealed:
        return f"is of cell {row.cell.serial}, sealed for cell {sealed} at {row.position}"
    return ""


def missing_checks(run: Run, body: Body) -> Iterator[str]:
    """What its records show measured, by kind and positions, and no check of the run has."""
    there: dict[int, tuple[str, set[int]]] = {}
    rows = CellVoltage.objects.filter(voltage_check__run=run)
    for pk, kind, position in rows.values_list(
        "voltage_check_id", "voltage_check__kind", "position"
    ):
        there.setdefault(pk, (kind, set()))[1].add(position)
    for record in body.get("records", []):
        kind, positions = check_kind(record["step"]), {c["position"] for c in record["cells"]}
        if positions and (kind, positions) not in there.values():
            yield f"the manifest shows a {VoltageCheck.Kind(kind).label} and there is none"


def missing_notes(run: Run, body: Body) -> Iterator[str]:
    """What a trip, or a verdict of a check or a test, opened against a cell and is not there."""
    due = set()
    if (body.get("outcome") or {}).get("state") == RunState.TRIPPED:
        due |= {(serial, Nonconformance.Kind.TRIPPED.value) for serial in _serials(body).values()}
    rows = CellVoltage.objects.filter(voltage_check__run=run)
    for serial, kind, verdict in rows.values_list("cell__serial", "voltage_check__kind", "verdict"):
        if (kind, verdict) in DEPARTURES:
            due.add((serial, str(DEPARTURES[kind, verdict][0])))
    high = ResistanceTest.objects.filter(run=run, verdict=ResistanceTest.Verdict.FAIL)
    for serial in high.values_list("cell__serial", flat=True):
        due.add((serial, Nonconformance.Kind.RESISTANCE_HIGH.value))
    there = set(run.nonconformances.values_list("cell__serial", "kind"))
    for serial, kind in sorted(due - there):
        words = Nonconformance.Kind(kind).label
        yield f"the run opened one against cell {serial} ({words}) and there is none"


def _serials(body: Body) -> dict[int, str]:
    return {cell["position"]: cell["serial"] for cell in body.get("cells", [])}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _flipped(simulated: bool) -> str:
    says, sealed = ("simulated", "real") if simulated else ("real", "simulated")
    return f"says that its bench was {says}; it was sealed as {sealed}"
