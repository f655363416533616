"""A walk over everything that is evidence, run by run, in bounded memory.

Only what the manifest of a run says can be worked out again; a check without a run has nothing to
be compared with.  An attacker who removes a whole run with its job, manifest and balance leaves no
trace here: that needs an anchor on another machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from django.db.models import Prefetch

from shop.evidence.models import Balance, CellVoltage, VoltageCheck
from shop.evidence.rules.balance import ON_THE_WAY, BalanceFigures
from shop.jobs.models import Run
from shop.jobs.results import check_kind
from shop.jobs.states import TERMINAL
from shop.readings.models import Manifest, ReadingChunk
from shop.signing.models import SigningKey
from shop.verification import acts, audit, records, runs, tested
from shop.verification.chains import Chain, StoredChunk
from shop.verification.faults import Fault
from shop.verification.keys import stored_manifest
from shop.verification.records import CellReading
from shop.verification.seals import Keys, StoredManifest

COUNTED = (
    *("runs", "manifests", "chunks", "readings", "capacity tests", "balances", "checks"),
    *("resistance tests", "approvals", "decisions", "placements", "audit entries"),
)
AT_ONCE = 20  # rows with payloads in memory
Manifests = dict[int, StoredManifest]  # by attempt


class Walk:
    """`faults` finds them one by one; `seen` counts the records that were looked at."""

    def __init__(self, keys: Mapping[str, Keys]) -> None:
        """The keys that this host believes, by purpose."""
        self.seen: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self._keys = keys
        self._manifest_keys = keys[SigningKey.Purpose.MANIFESTS]

    def faults(self) -> Iterator[Fault]:
        """In the order of runs, then what people did, then the audit."""
        for run in Run.objects.order_by("pk").iterator(chunk_size=AT_ONCE):
            self.seen["runs"] += 1
            yield from self._run(run)
        yield from acts.faults(self._keys, self.seen)
        yield from audit.faults(self._keys[SigningKey.Purpose.AUDIT], self.seen)

    # A run

    def _run(self, run: Run) -> Iterator[Fault]:
        rows = Manifest.objects.filter(run=run).select_related("key__retirement")
        manifests = {row.attempt: stored_manifest(row) for row in rows.order_by("attempt")}
        self.seen["manifests"] += len(manifests)
        chains: dict[int, Chain] = {}
        yield from self._chunks(run, manifests, chains)
        for attempt, manifest in manifests.items():
            chain = chains.get(attempt) or Chain(manifest.count)
            yield from manifest.faults(chain, self._manifest_keys)
        yield from _unsealed(run, manifests, chains)
        yield from _earlier(run, manifests)
        yield from _changed(run, manifests)
        yield from self._balance(run, manifests)
        yield from tested.faults(run, manifests, self.seen)
        yield from tested.spread_faults(run, manifests, self.seen)
        yield from self._checks(run, manifests)
        yield from _lacks_check(run, manifests)
        yield from _lacks_note(run, manifests)
        yield from _lacks_act(run, manifests)

    def _chunks(self, run: Run, manifests: Manifests, chains: dict[int, Chain]) -> Iterator[Fault]:
        rows = ReadingChunk.objects.filter(run=run).order_by("attempt", "first_seq", "last_seq")
        stored = map(_stored_chunk, rows.iterator(chunk_size=AT_ONCE))
        for attempt, chunks in groupby(stored, key=lambda chunk: chunk.attempt):
            manifest = manifests.get(attempt)
            chain = chains[attempt] = Chain(manifest.count if manifest else None)
            for chunk in chunks:
                self.seen["chunks"] += 1
                self.seen["readings"] += chunk.count
                yield from chain.take(chunk)

    def _balance(self, run: Run, manifests: Manifests) -> Iterator[Fault]:
        balance = (
            Balance.objects.filter(run=run)
            .select_related("policy_version", "recipe_version")
            .first()
        )
        if balance is None:
            yield from _lacks_balance(run, manifests)
            return
        self.seen["balances"] += 1
        sealed = {m.sha256: m for m in manifests.values()}.get(balance.manifest_sha256)
        words = _balance_problem(balance, sealed)
        if sealed is not None:
            words = words or runs.balance_problem(balance, run, sealed.body)
        if words:
            yield Fault("Balance", balance.pk, words, run.pk)
        elif sealed is not None:
            yield from _cell_balances(balance, sealed)

    def _checks(self, run: Run, manifests: Manifests) -> Iterator[Fault]:
        checks = VoltageCheck.objects.filter(run=run).order_by("pk")
        checks = checks.select_related("policy_version", "meter")
        cells = CellVoltage.objects.select_related("cell").order_by("position")
        for check in checks.prefetch_related(Prefetch("cells", cells)):
            self.seen["checks"] += 1
            sealed = [
                cells
                for manifest in manifests.values()
                for step, cells in records.sealed_checks(manifest.body)
                if check_kind(step) == check.kind
            ]
            rows = {row.position: row for row in check.cells.all()}
            position = records.first_difference([*map(_reading, rows.values())], sealed)
            if position in rows:
                words = f"the cell at {position} is not as it was sealed"
                yield Fault("CellVoltage", rows[position].pk, words, run.pk)
            elif position is not None:
                words = "no sealed measurement has these cells"
                yield Fault("VoltageCheck", check.pk, words, run.pk)
            elif manifests:
                yield from _beside(check, run, manifests[max(manifests)])


def _unsealed(run: Run, manifests: Manifests, chains: dict[int, Chain]) -> Iterator[Fault]:
    if run.state not in TERMINAL:
        return
    for attempt in chains.keys() - manifests.keys():
        yield Fault("Manifest", None, "the run is over and its readings have none", run.pk, attempt)


def _earlier(run: Run, manifests: Manifests) -> Iterator[Fault]:
    """An interrupted attempt is sealed into those that followed it."""
    sealed = {attempt: manifest.sha256 for attempt, manifest in manifests.items()}
    for manifest in manifests.values():
        for attempt, sha256 in manifest.earlier.items():
            if sealed.get(attempt) != sha256:
                words = f"names attempt {attempt}, whose own is missing or another"
                yield Fault("Manifest", manifest.id, words, run.pk, manifest.attempt)


def _changed(run: Run, manifests: Manifests) -> Iterator[Fault]:
    if manifests and runs.is_last(run, max(manifests)):
        words = runs.run_problem(run, manifests[max(manifests)].body)
        if words:
            yield Fault("Run", run.pk, words)


def _beside(check: VoltageCheck, run: Run, last: StoredManifest) -> Iterator[Fault]:
    """What a check says beside its figures."""
    if words := runs.check_problem(check, run, last.body):
        yield Fault("VoltageCheck", check.pk, words, run.pk)
    for row in check.cells.all():
        if words := runs.cell_problem(row, last.body):
            yield Fault("CellVoltage", row.pk, words, run.pk)


def _lacks_check(run: Run, manifests: Manifests) -> Iterator[Fault]:
    """The last attempt of a run leaves all its checks."""
    if not manifests or not runs.is_last(run, max(manifests)):
        return
    last = manifests[max(manifests)]
    for words in runs.missing_checks(run, last.body):
        yield Fault("VoltageCheck", None, words, run.pk, last.attempt)


def _lacks_note(run: Run, manifests: Manifests) -> Iterator[Fault]:
    if manifests and runs.is_last(run, max(manifests)):
        for words in runs.missing_notes(run, manifests[max(manifests)].body):
            yield Fault("Nonconformance", None, words, run.pk)


def _lacks_act(run: Run, manifests: Manifests) -> Iterator[Fault]:
    for manifest in manifests.values():
        for words in runs.missing_acts(run, manifest.body):
            yield Fault("PersonAct", None, words, run.pk, manifest.attempt)


def _lacks_balance(run: Run, manifests: Manifests) -> Iterator[Fault]:
    for manifest in manifests.values():
        finished = (manifest.body.get("outcome") or {}).get("state") == "FINISHED"
        figures = records.sealed_figures(manifest.body)
        # What was only levelled is sealed as on the way, and leaves none.
        if finished and figures is not None and not figures.remark.startswith(ON_THE_WAY):
            words = "the manifest shows one and there is none"
            yield Fault("Balance", None, words, run.pk, manifest.attempt)


def _cell_balances(balance: Balance, manifest: StoredManifest) -> Iterator[Fault]:
    """Cells that were charged one by one, each against its own sealed charge."""
    sealed = records.sealed_cells(manifest.body)
    for row in balance.cells.order_by("position"):
        own = sealed.get(row.position)
        if not (own or row.completeness):
            continue  # it was driven with the others: what the balance says is its own
        stored = BalanceFigures(
            completeness=row.completeness,
            remark=row.remark,
            tail_a=math.nan if row.tail_a is None else row.tail_a,
            done_a=balance.done_a,
            partial_a=balance.partial_a,
            cv_s=math.nan if row.cv_s is None else row.cv_s,
            charge_ah=math.nan if row.charge_ah is None else row.charge_ah,
            rested_v=row.rested_v,
        )
        name = records.differs(stored, own) if own else "position"
        if name:
            words = f"its {name} is not as it was sealed"
            yield Fault("CellBalance", row.pk, words, balance.run_id)


def _balance_problem(balance: Balance, manifest: StoredManifest | None) -> str:
    if manifest is None:
        return "names a manifest that its run does not have"
    sealed = records.sealed_figures(manifest.body)
    if sealed is None:
        return "its manifest shows no balance"
    stored = BalanceFigures(
        completeness=balance.completeness,
        remark=balance.remark,
        tail_a=balance.tail_a,
        done_a=balance.done_a,
        partial_a=balance.partial_a,
        cv_s=balance.cv_s,
        charge_ah=balance.charge_ah,
    )
    name = records.differs(stored, sealed)
    if name:
        return f"{name} is {getattr(stored, name)!r}, sealed as {getattr(sealed, name)!r}"
    cells = sorted(balance.cells.values_list("position", "cell__serial"))
    alone = records.sealed_cells(manifest.body)
    named = [(c["position"], c["serial"]) for c in manifest.body.get("cells", [])]
    if cells != sorted(cell for cell in named if not alone or cell[0] in alone):
        return "its cells are not those of the manifest"
    return ""


def _stored_chunk(row: ReadingChunk) -> StoredChunk:
    return StoredChunk(
        id=row.pk,
        run=row.run_id,
        attempt=row.attempt,
        first_seq=row.first_seq,
        last_seq=row.last_seq,
        prev_last_seq=row.prev_last_seq,
        count=row.count,
        columns=row.columns,
        payload=bytes(row.payload),
        prev_hash=row.prev_hash,
        hash=row.hash,
        first_at=row.first_at,
        last_at=row.last_at,
    )


def _reading(row: CellVoltage) -> CellReading:
    return CellReading(
        position=row.position,
        voltage_uv=records.millionths(row.voltage_v),
        low_uv=records.millionths(row.low_v),
        high_uv=records.millionths(row.high_v),
        age_us=records.millionths(row.age_s),
        at=row.at,
        received_at=row.received_at,
        verdict=row.verdict,
    )
