"""What one attempt of a run left behind, under one hash (T4).

The body holds integers and text only: quantities are millionths of the unit in their name, so
that no rounding of a float can change the hash.  The hash is SHA-256 of its canonical JSON
(RFC 8785), and the same bytes are signed with a key that is not in the database.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import rfc8785

from shop.jobs.ending import Ending
from shop.jobs.models import Run
from shop.jobs.places import of_cells, parallel_in
from shop.readings import queries
from shop.readings.models import Manifest, ReadingChunk
from shop.signing.models import SigningKey
from shop.signing.services import signer
from stations import __version__
from stations.plain import to_plain

# 3 did not say when current stopped, 2 did not name earlier attempts, 1 was not signed
SCHEMA = "run-manifest/4"
MILLIONTHS = 1_000_000


def seal(run: Run, ending: Ending, *, now: datetime) -> Manifest:
    """Store the manifest of the run's present attempt; the one that is there if there is one."""
    known = Manifest.objects.filter(run=run, attempt=run.attempt).first()
    if known is not None:
        return known
    sealed = signer(SigningKey.Purpose.MANIFESTS, now=now)
    body = manifest_body(run, ending, now=now) | {"signature": sealed.named}
    return Manifest.objects.create(
        run=run,
        attempt=run.attempt,
        body=body,
        sha256=body_sha256(body),
        key=sealed.key,
        signature=sealed.sign(body),
        recorded_at=now,
    )


def body_sha256(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(dict(body))).hexdigest()


def manifest_body(run: Run, ending: Ending, *, now: datetime) -> dict[str, Any]:
    """Readings, recipe, cells, instruments with calibration, software, gaps and outcome."""
    version = run.job.recipe_version
    chunks = ReadingChunk.objects.filter(run=run, attempt=run.attempt)
    head = queries.head(run_id=run.pk, attempt=run.attempt)
    curve = queries.curve(run, 2)
    body = {
        "schema": SCHEMA,
        "run": run.pk,
        "attempt": run.attempt,
        "token": ending.token or run.token or 0,
        "job": run.job_id,
        "station": run.station.slug,
        "simulated": bool(run.simulated),
        "attended": run.attended,
        "queued_at": run.queued_at,
        "sealed_at": now,
        "outcome": {"state": ending.state, "reason": ending.reason},
        "current_stopped": to_plain(ending.current_stopped),
        "program": {"sha256": run.program_hash, **_program_name(run)},
        "recipe": {"name": version.recipe.name, "version": version.version, "id": version.pk},
        "policy_version": run.policy_version.version,
        "cells": [
            {"serial": rc.cell.serial, "position": rc.position}
            for rc in run.run_cells.select_related("cell").order_by("position")
        ],
        "instruments": [
            {
                "role": i.role,
                "model": i.model,
                "serial_number": i.serial_number,
                "certificate": i.certificate,
                "valid_until": i.valid_until,
            }
            for i in ending.instruments
        ],
        "readings": {"count": head.last_seq, "chunks": chunks.count(), "head": head.hash},
        "earlier_attempts": [
            {"attempt": attempt, "sha256": sha256}
            for attempt, sha256 in Manifest.objects.filter(run=run, attempt__lt=run.attempt)
            .order_by("attempt")
            .values_list("attempt", "sha256")
        ],
        "gaps_s": [list(gap) for gap in curve.gaps],
        "journal": dict(ending.journal),
        "records": to_plain(of_cells(ending.records, parallel_in(run))),
        "software": {"cellshop": __version__},
    }
    canonical: dict[str, Any] = _canonical(body)
    return canonical


def _program_name(run: Run) -> dict[str, str]:
    program = run.program or {}
    return {"name": str(program.get("name", "")), "version": str(program.get("version", ""))}


def _canonical(value: Any) -> Any:
    """Integers and text only: a float becomes millionths, NaN null, a time UTC text."""
    if isinstance(value, float):
        return round(value * MILLIONTHS) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return value
