"""What a trace link opens: the pack as it was approved and judged, read back (T1, T2).

The facts come from the evidence that each approval holds, not from what became of a cell later;
its hash is checked again on every look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shop.care.queries import care_of
from shop.equipment.states import InstrumentRole
from shop.evidence.canonical import MILLIONTHS, sha256_of
from shop.evidence.models import Approval, ResistanceTest
from shop.evidence.resistances import withdrawn_under
from shop.evidence.rules.balance import ESSENTIALLY, meeting
from shop.jobs.models import RunCell
from shop.packs.models import GateDecision, Pack, PackDesign, Placement
from shop.quality.models import Disposition, Nonconformance
from shop.readings.models import Manifest
from shop.readings.queries import Curve, curve
from shop.trace.models import TraceLink
from shop.trace.recall import reasons_of
from shop.trace.values import Advice, BalanceTrace, CellTrace, InstrumentTrace, PackTrace

# Run-time charging per cell: full for every day's use, below what balanced the cells.
# [A] and [B]: 3.45-3.50 V.
CHARGE_LOW_V, CHARGE_HIGH_V = 3.45, 3.50
SECRET_MAX = 200
ALONE = frozenset({"TOP_CELL", "BOTTOM"})  # methods in which each cell has its own figures


@dataclass(frozen=True, slots=True)
class _Known:
    """A placed cell with the approval that the gate accepted."""

    placement: Placement
    approval: Approval

    @property
    def body(self) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self.approval.evidence
        return body


def digest(secret: str) -> str:
    """What is stored and looked up instead of a secret: an index lookup of a hash leaks none."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def trace_pack(secret: str) -> PackTrace | None:
    """The pack behind a link; None for an unknown and for a revoked one alike."""
    pack = _pack_behind(secret)
    return pack_trace(pack) if pack is not None else None


def trace_curve(secret: str, run_id: int, points: int) -> Curve | None:
    """The curve of one of the pack's runs, with this pack's cells alone; None otherwise."""
    pack = _pack_behind(secret)
    trace = pack_trace(pack) if pack is not None else None
    if trace is None or run_id not in trace.run_ids:
        return None
    serials = {cell.serial for cell in trace.cells}
    places = list(
        RunCell.objects.filter(run=run_id).select_related("run", "cell").order_by("position")
    )
    drawn = curve(places[0].run, points)
    own = [place.position for place in places if place.cell.serial in serials]
    return replace(
        drawn, cells_v=tuple(drawn.cells_v[n - 1] for n in own if n <= len(drawn.cells_v))
    )


def _pack_behind(secret: str) -> Pack | None:
    if not secret or len(secret) > SECRET_MAX:
        return None
    link = (
        TraceLink.objects.filter(secret_sha256=digest(secret), revoked_at=None)
        .select_related("pack__design")
        .first()
    )
    return link.pack if link is not None else None


def pack_trace(pack: Pack) -> PackTrace:
    """Everything of a pack that its customer may see."""
    decision = GateDecision.objects.filter(pack=pack, allowed=True).first()
    placements = list(pack.placements.select_related("cell__batch").order_by("position"))
    known = _approved(placements, decision)
    doubts = _doubts(pack, placements, known, decision)
    balances = _balances(known)
    tests = _resistances(placements, pack)
    service = care_of(pack).service
    return PackTrace(
        serial=pack.serial,
        valid=not doubts,
        why=tuple(doubts) or _grounds(pack, balances),
        advice=_advice(pack.design),
        design=pack.design.name,
        application=pack.design.get_application_display(),
        series=pack.design.series,
        parallel=pack.design.parallel,
        simulated=pack.simulated,
        sample=pack.sample,
        assembled_at=pack.assembled_at,
        cells=tuple(_cell(item, tests.get(item.placement.cell_id)) for item in known),
        balances=balances,
        instruments=_instruments(known),
        service_at=service.at if service else None,
    )


def _approved(placements: Sequence[Placement], decision: GateDecision | None) -> list[_Known]:
    """The placed cells with the approvals of the evidence that the gate saw."""
    seen: Mapping[str, str] = decision.plan.get("evidence_sha256", {}) if decision else {}
    approvals = {
        (approval.cell_id, approval.evidence_sha256): approval
        for approval in Approval.objects.filter(cell__in=[p.cell_id for p in placements])
    }
    pairs = (
        (placement, approvals.get((placement.cell_id, seen.get(placement.cell.serial, ""))))
        for placement in placements
    )
    return [_Known(placement, approval) for placement, approval in pairs if approval is not None]


def _doubts(
    pack: Pack,
    placements: Sequence[Placement],
    known: Sequence[_Known],
    decision: GateDecision | None,
) -> list[str]:
    """Why the pack is not, or no longer, all right; empty when it is."""
    found = []
    if decision is None or len(known) < len(placements) or not placements:
        found.append("The record of this pack is not complete; ask the shop that built it.")
    found.extend(
        f"The record of cell {item.placement.cell.serial} was changed after it was approved."
        for item in known
        if sha256_of(item.body) != item.approval.evidence_sha256
    )
    apart = getattr(pack, "disassembly", None)
    if apart is not None:
        found.append(f"This pack was taken apart on {apart.at:%d %B %Y}; it is a battery no more.")
    if reasons := reasons_of(pack):
        since = min(reason.at for reason in reasons)
        found.append(
            f"What measured it is under review since {since:%d %B %Y}; the shop will contact you."
        )
    later = Nonconformance.objects.filter(
        cell__in=[placement.cell_id for placement in placements], opened_at__gt=pack.assembled_at
    ).exclude(disposition__decision=Disposition.Decision.USE_AS_IS)
    found.extend(
        f"Cell {note.cell.serial} is under review since {note.opened_at:%d %B %Y}; the shop will "
        "contact you."
        for note in later.select_related("cell").order_by("pk")
    )
    return found


def _grounds(pack: Pack, balances: Sequence[BalanceTrace]) -> tuple[str, ...]:
    method = " and ".join(sorted({f"{meeting(b.method).lower()}-balanced" for b in balances}))
    words = [
        f"Its cells were {method} to {balances[0].target_v:.2f} V, measured one by one, approved "
        "by a second person, and passed every check before assembly.",
    ]
    if pack.simulated:
        words.append("It is a demonstration: its cells are simulated, there is no such battery.")
    if pack.sample:
        words.append("It is a sample.")
    return tuple(words)


def _advice(design: PackDesign) -> Advice:
    return Advice(
        charge_low_v=CHARGE_LOW_V,
        charge_high_v=CHARGE_HIGH_V,
        pack_low_v=round(CHARGE_LOW_V * design.series, 2),
        pack_high_v=round(CHARGE_HIGH_V * design.series, 2),
        bms_model=design.bms_model,
        bms_over_voltage_v=design.bms_over_voltage_v,
    )


def _resistances(placements: Sequence[Placement], pack: Pack) -> dict[int, ResistanceTest]:
    """By cell, the newest test that was there when the pack was assembled and whose certificates
    still stand."""
    rows = ResistanceTest.objects.filter(
        cell__in=[placement.cell_id for placement in placements],
        recorded_at__lte=pack.assembled_at,
        simulated=pack.simulated,
    ).exclude(verdict=ResistanceTest.Verdict.INVALID)
    tests = list(rows.order_by("tested_at", "pk"))
    doubtful = withdrawn_under(tests)
    return {test.cell_id: test for test in tests if test.pk not in doubtful}


def _cell(item: _Known, resistance: ResistanceTest | None) -> CellTrace:
    body, cell = item.body, item.placement.cell
    capacity, check = body["capacity"], body["disconnect"]
    stopped_at = datetime.fromisoformat(check["current_stopped_received_at"])
    age = datetime.fromisoformat(check["received_at"]) - stopped_at
    return CellTrace(
        position=item.placement.position,
        serial=cell.serial,
        cell_type=body["cell_type"],
        batch=cell.batch.code,
        capacity_ah=capacity["capacity_ah"] / MILLIONTHS,
        capacity_source=capacity["source"],
        capacity_tested_at=datetime.fromisoformat(capacity["tested_at"]),
        run_id=body["balance"]["run_id"],
        disconnect_v=check["voltage_v"] / MILLIONTHS,
        disconnect_age_s=age.total_seconds(),
        disconnect_meter=f"{check['meter']['model']} {check['meter']['serial_number']}",
        disconnect_by_hand=check["meter"]["role"] == InstrumentRole.MANUAL,
        approved_at=item.approval.at,
        resistance_mohm=resistance.r_mohm if resistance else None,
        resistance_after_s=resistance.after_s if resistance else None,
    )


def _balances(known: Sequence[_Known]) -> tuple[BalanceTrace, ...]:
    cells: dict[int, list[str]] = {}
    bodies: dict[int, Mapping[str, Any]] = {}
    for item in known:
        balance = item.body["balance"]
        run_id = balance["run_id"]
        cells.setdefault(run_id, []).append(item.placement.cell.serial)
        bodies[run_id] = _together(bodies[run_id], balance) if run_id in bodies else balance
    manifests = _manifests(body["manifest_sha256"] for body in bodies.values())
    return tuple(
        BalanceTrace(
            run_id=run_id,
            method=body["method"],
            target_v=body["target_v"] / MILLIONTHS,
            remark=ESSENTIALLY if ESSENTIALLY in body["remark"] else "",
            tail_a=body["tail_a"] / MILLIONTHS,
            done_a=body["done_a"] / MILLIONTHS,
            partial_a=body["partial_a"] / MILLIONTHS,
            cv_s=body["cv_s"] / MILLIONTHS,
            charge_ah=body["charge_ah"] / MILLIONTHS,
            ended_at=datetime.fromisoformat(body["recorded_at"]),
            recipe=body["recipe"],
            recipe_version=body["recipe_version"],
            policy_version=body["policy_version"],
            software=_software(manifests.get(body["manifest_sha256"], {})),
            manifest_sha256=body["manifest_sha256"],
            simulated=body["simulated"],
            serials=tuple(cells[run_id]),
            gaps_s=_gaps_s(manifests.get(body["manifest_sha256"], {})),
        )
        for run_id, body in bodies.items()
    )


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Cells of one run: alike where they were one bank; charged one by one, the worst of each."""
    if one["method"] not in ALONE:
        return other
    return {
        **other,
        "remark": other["remark"] or one["remark"],
        "tail_a": max(one["tail_a"], other["tail_a"]),
        "cv_s": min(one["cv_s"], other["cv_s"]),
        "charge_ah": one["charge_ah"] + other["charge_ah"],
    }


def _manifests(sha256s: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    rows = Manifest.objects.filter(sha256__in=list(sha256s))
    return dict(rows.values_list("sha256", "body"))


def _software(manifest: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in manifest.get("software", {}).items())


def _gaps_s(manifest: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Holes in the run's readings, over all its attempts, as they were sealed (F8)."""
    return tuple(
        (begin / MILLIONTHS, end / MILLIONTHS) for begin, end in manifest.get("gaps_s", ())
    )


def _instruments(known: Sequence[_Known]) -> tuple[InstrumentTrace, ...]:
    """Every instrument once, with the first calibration that its evidence names."""
    found: dict[str, InstrumentTrace] = {}
    for item in known:
        for use in (*item.body["balance"]["instruments"], item.body["disconnect"]["meter"]):
            span = next(iter(use["calibrations"]), None)
            found.setdefault(
                use["serial_number"],
                InstrumentTrace(
                    role=use["role"],
                    model=use["model"],
                    serial_number=use["serial_number"],
                    certificate=span["certificate"] if span else "",
                    valid_from=datetime.fromisoformat(span["valid_from"]) if span else None,
                    valid_until=datetime.fromisoformat(span["valid_until"]) if span else None,
                ),
            )
    return tuple(found.values())
