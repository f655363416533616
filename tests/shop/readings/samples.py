"""Readings as a bench gives them, for tests of their storage."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from shop.jobs.models import Run
from shop.readings.chunks import encode
from shop.readings.services import store_chunk
from stations.values import NAN, Reading
from tests.factories import NOON

START = datetime(2026, 11, 20, 22, 0, 0, 250_000, tzinfo=UTC)


def make_readings(
    number: int, *, first_seq: int = 1, cells: int = 4, start: datetime = START, seed: int = 1
) -> list[Reading]:
    """`number` readings a second apart with the jitter and resolution of the real bench.

    Meter and scanner resolve 1 µV with some µV of noise, the supply 10 mV and 10 mA.
    """
    draw = random.Random(seed)
    return [
        _reading(draw, seq, start + timedelta(seconds=seq - first_seq), cells)
        for seq in range(first_seq, first_seq + number)
    ]


def store(run: Run, readings: list[Reading]) -> None:
    """As the chunks of its first attempt."""
    before, previous = None, "0" * 64
    for start in range(0, len(readings), 600):
        chunk = encode(
            readings[start : start + 600],
            run_id=run.pk,
            attempt=1,
            prev_last_seq=before,
            prev_hash=previous,
        )
        store_chunk(run_id=run.pk, attempt=1, chunk=chunk, now=NOON)
        before, previous = chunk.last_seq, chunk.hash


def _reading(draw: random.Random, seq: int, due: datetime, cells: int) -> Reading:
    at = due + timedelta(microseconds=abs(draw.gauss(0, 300)))
    volts = 3.40 + 2e-5 * seq
    return Reading(
        seq=seq,
        at=at,
        received_at=at + timedelta(microseconds=1500 + draw.randint(-3, 3)),
        age_s=round(0.05 + abs(draw.gauss(0, 0.002)), 6),
        output_on=True,
        voltage_v=round(volts + draw.gauss(0, 5e-6), 6),
        supply_voltage_v=round(volts + 0.07, 2),
        supply_current_a=round(14.4 + draw.gauss(0, 0.01), 2),
        cell_voltages_v=tuple(round(volts + draw.gauss(0, 5e-6), 6) for _ in range(cells)),
        temperature_c=NAN,
        regulation="CC",
    )
