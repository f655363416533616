"""T4: whoever edits evidence with the superuser's password is found, and the record is named."""

from __future__ import annotations

import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from shop.evidence.canonical import approval_body, sha256_of
from shop.evidence.models import (
    Approval,
)
from shop.jobs.ending import Ending
from shop.jobs.manifest import seal
from shop.jobs.models import Run
from shop.jobs.states import RunState
from shop.readings.models import Manifest, ReadingChunk
from shop.signing import keyring, signatures
from shop.signing.models import KeyRetirement, SigningKey
from tests import factories
from tests.cast import Cast, the_cast
from tests.faults.matrix import Trial
from tests.faults.tampering import (
    change,
    one_reading_higher,
    remove,
    reseal,
    rewritten,
    store,
)
from tests.faults.verified import ENDED, approved_run, first_fault, verify
from tests.played import CHUNK


@pytest.fixture
def cast(db: None) -> Cast:
    return the_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    """A finished run of four cells, played; its cells are approved."""
    return approved_run(cast)


def chunk(run: Run, number: int) -> ReadingChunk:
    return list(ReadingChunk.objects.filter(run=run).order_by("last_seq"))[number]


def test_untouched_evidence_is_what_it_was(run: Run) -> None:
    said = verify()

    readings = run.stored_seq
    assert f"1 runs, 1 manifests, {-(-readings // CHUNK)} chunks, {readings} readings" in said
    assert "1 balances, 2 checks" in said
    assert "4 approvals" in said


def test_the_superuser_cannot_edit_by_switching_replication_on(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    refused = pytest.raises(IntegrityError, match="append-only")
    with refused, transaction.atomic():
        ReadingChunk.objects.filter(run=run).update(count=1)


@pytest.mark.fault("44", "value changed by the superuser", trials=20)
def test_a_changed_value_is_named_with_its_run_attempt_and_seq(run: Run, trial: Trial) -> None:
    row = chunk(run, 1)
    edited = rewritten(run, one_reading_higher(row.first_seq + 10))[1].payload
    assert edited != bytes(row.payload)

    change(ReadingChunk, row.pk, payload=edited)

    trial.happened(bytes(chunk(run, 1).payload) == edited)
    place = f"ReadingChunk {row.pk} (run {run.pk}, attempt 1, seq {row.first_seq})"
    assert first_fault().startswith(f"{place}: is not what its hash says")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"payload": b"\x00"}, "cannot be read"),
        ({"payload": zlib.compress(b'{"v":9}\n')}, "cannot be read"),
        ({"first_at": ENDED}, "says another count, columns or times"),
        ({"columns": ["voltage_uv"]}, "says another count, columns or times"),
    ],
)
def test_a_damaged_row_is_named(run: Run, fields: dict[str, Any], words: str) -> None:
    row = chunk(run, 1)

    change(ReadingChunk, row.pk, **fields)

    assert f"ReadingChunk {row.pk}" in (found := first_fault())
    assert words in found


@pytest.mark.fault("44", "last chunk of a run cut off", trials=20)
def test_a_cut_last_chunk_is_named_by_the_first_missing_seq(run: Run, trial: Trial) -> None:
    last = chunk(run, -1)

    remove(ReadingChunk, last.pk)

    trial.happened(chunk(run, -1).last_seq < last.first_seq)
    manifest = Manifest.objects.get(run=run)
    place = f"Manifest {manifest.pk} (run {run.pk}, attempt 1, seq {last.first_seq})"
    missing = f"{last.first_seq} to {last.last_seq} are missing"
    assert first_fault() == f"{place}: sealed {last.last_seq} readings; {missing}"


def test_a_chunk_cut_from_the_middle_is_named(run: Run) -> None:
    cut = chunk(run, 1)

    remove(ReadingChunk, cut.pk)

    found = first_fault()
    assert f"(run {run.pk}, attempt 1, seq {cut.first_seq})" in found
    assert f"begins at {cut.last_seq + 1} where {cut.first_seq} should follow" in found


@pytest.mark.fault("44", "two chunks swapped", trials=20)
def test_two_swapped_chunks_are_found_at_the_first(run: Run, trial: Trial) -> None:
    one, two = chunk(run, 1), chunk(run, 2)
    assert one.count == two.count

    change(ReadingChunk, one.pk, payload=bytes(two.payload), hash=two.hash)
    change(ReadingChunk, two.pk, payload=bytes(one.payload), hash=one.hash)

    trial.happened((chunk(run, 1).hash, chunk(run, 2).hash) == (two.hash, one.hash))
    place = f"ReadingChunk {one.pk} (run {run.pk}, attempt 1, seq {one.first_seq})"
    assert first_fault().startswith(f"{place}: is not what its hash says")


def test_a_recomputed_chain_ends_in_another_hash_than_was_sealed(run: Run) -> None:
    store(run, rewritten(run, one_reading_higher(400)))

    manifest = Manifest.objects.get(run=run)
    assert first_fault() == (
        f"Manifest {manifest.pk} (run {run.pk}, attempt 1, seq {run.stored_seq}): "
        "sealed another chain of readings than is stored"
    )


@pytest.mark.fault("44", "chain and manifest recomputed without the key", trials=20)
def test_a_chain_and_manifest_recomputed_without_the_key_have_no_signature(
    run: Run, trial: Trial
) -> None:
    chunks = rewritten(run, one_reading_higher(400))
    store(run, chunks)
    manifest = Manifest.objects.get(run=run)

    reseal(manifest, {"readings": manifest.body["readings"] | {"head": chunks[-1].hash}})

    sealed = Manifest.objects.get(run=run)
    trial.happened(sealed.sha256 == sha256_of(sealed.body) != manifest.sha256)
    found = first_fault()
    assert found.startswith(f"Manifest {manifest.pk} (run {run.pk}, attempt 1): its signature")
    assert "does not hold" in found


def test_a_key_that_was_put_into_the_database_is_not_believed(run: Run, tmp_path: Path) -> None:
    private = keyring.private_key(tmp_path, "manifests")
    public = private.public_key()
    own = SigningKey.objects.create(
        key_id=signatures.key_id(public),
        purpose=SigningKey.Purpose.MANIFESTS,
        algorithm=signatures.ALGORITHM,
        public_key=signatures.raw(public).hex(),
        valid_from=ENDED,
    )
    chunks = rewritten(run, one_reading_higher(400))
    store(run, chunks)
    manifest = Manifest.objects.get(run=run)
    changes = {
        "readings": manifest.body["readings"] | {"head": chunks[-1].hash},
        "signature": own.named,
    }

    signature = signatures.sign(private, manifest.body | changes)
    reseal(manifest, changes, key=own, signature=signature)

    assert f"is signed with key {own.key_id}, which this host does not know" in first_fault()


def test_a_removed_signature_is_named(run: Run) -> None:
    manifest = Manifest.objects.get(run=run)

    change(Manifest, manifest.pk, key=None, signature="")

    assert first_fault() == f"Manifest {manifest.pk} (run {run.pk}, attempt 1): is not signed"


def test_a_removed_manifest_is_missed(run: Run) -> None:
    remove(Manifest, Manifest.objects.get(run=run).pk)

    assert first_fault().startswith(f"Manifest (run {run.pk}, attempt 1): the run is over")


def test_an_interrupted_attempt_that_was_cut_away_is_missed(cast: Cast) -> None:
    run = factories.make_run(by=cast.tola, state=RunState.STOPPED, token=2)
    first = seal(run, Ending(RunState.INTERRUPTED, "lost"), now=ENDED)
    run.attempt = 2
    second = seal(run, Ending(RunState.STOPPED, "enough"), now=ENDED)
    verify()

    remove(Manifest, first.pk)

    named = f"Manifest {second.pk} (run {run.pk}, attempt 2): names attempt 1"
    assert first_fault().startswith(named)


def test_nothing_is_believed_that_a_retired_key_signed_later(run: Run) -> None:
    key = Manifest.objects.get(run=run).key
    assert key is not None

    KeyRetirement.objects.create(key=key, at=ENDED - timedelta(days=1), words="lost laptop")

    assert f"is signed with key {key.key_id} after that was retired" in first_fault()


@pytest.mark.fault("44", "approval edited", trials=10)
@pytest.mark.parametrize("recomputed", [False, True])
def test_an_edited_approval_is_named(run: Run, recomputed: bool, trial: Trial) -> None:
    approval = Approval.objects.order_by("pk")[2]
    evidence = approval.evidence | {"rated_ah": 314_000_000}

    change(Approval, approval.pk, evidence=evidence)
    if recomputed:
        change(Approval, approval.pk, evidence_sha256=sha256_of(evidence))

    trial.happened(Approval.objects.get(pk=approval.pk).evidence == evidence)
    words = "does not hold" if recomputed else "is not what its hash says"
    assert first_fault().startswith(f"Approval {approval.pk}: ")
    assert words in first_fault()


def test_an_approval_in_the_name_of_another_is_named(run: Run, cast: Cast) -> None:
    approval = Approval.objects.order_by("pk")[0]

    change(Approval, approval.pk, approved_by=cast.kemi)

    assert first_fault().startswith(f"Approval {approval.pk}: cell {approval.cell.serial}: its")


def test_a_manifests_key_cannot_sign_an_approval(run: Run) -> None:
    key = SigningKey.objects.get(purpose=SigningKey.Purpose.MANIFESTS)
    approval = Approval.objects.order_by("pk")[0]
    body = approval_body(
        cell=approval.cell.serial,
        evidence_sha256=approval.evidence_sha256,
        approved_by=approval.approved_by_id,
        approver_role=approval.approver_role,
        at=approval.at,
        signature=key.named,
    )
    private = keyring.private_key(settings.CELLSHOP_KEYS, key.purpose)

    change(Approval, approval.pk, key=key, signature=signatures.sign(private, body))

    assert f"is signed with key {key.key_id}, which this host does not know" in first_fault()
