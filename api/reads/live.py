"""What the benches say right now, from Redis: to look at, never evidence.

The uplink sets `live:<slug>` with a short life; a missing or unreadable value simply means
that nobody has told us lately.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import redis
from django.conf import settings

FADE_AFTER_S = 3.0  # two samples were missed
LEAD_MIN_A = 5.0  # below, a supply that reads 10 mV steps says nothing of milliohms


@dataclass(frozen=True, slots=True)
class Live:
    """The newest reading of one bench; volts and amps, None where a channel was not read.

    `age_s` is wall time since the guardian took it; `speed` process seconds per wall second.
    """

    age_s: float
    output: str
    step: str
    speed: float
    voltage_v: float | None
    supply_voltage_v: float | None
    supply_current_a: float | None
    cell_voltages_v: tuple[float | None, ...]
    temperatures_c: tuple[float | None, ...]
    at: str

    @property
    def is_old(self) -> bool:
        return self.age_s > FADE_AFTER_S

    @property
    def lead_ohm(self) -> float | None:
        """B6: supply minus bank over current; None at a small current."""
        volts, amps = self.supply_voltage_v, self.supply_current_a
        if volts is None or self.voltage_v is None or amps is None or amps < LEAD_MIN_A:
            return None
        return (volts - self.voltage_v) / amps

    @property
    def celsius(self) -> tuple[float, float] | None:
        """The coldest and the hottest probe; None without any."""
        known = [celsius for celsius in self.temperatures_c if celsius is not None]
        return (min(known), max(known)) if known else None

    @property
    def lead_milliohm(self) -> float | None:
        return None if self.lead_ohm is None else self.lead_ohm * 1000


@cache
def connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


def live(slugs: Iterable[str], *, now: datetime) -> dict[str, Live]:
    """The live value of each station that has one."""
    wanted = list(slugs)
    if not wanted:
        return {}
    try:
        found = connection().mget([f"live:{slug}" for slug in wanted])
    except redis.RedisError:
        return {}
    values: Any = found
    return {
        slug: _parse(json.loads(text), now)
        for slug, text in zip(wanted, values, strict=True)
        if text
    }


def _parse(told: dict[str, Any], now: datetime) -> Live:
    """Age counts from the reading itself: the uplink goes on telling while a bench is silent."""
    reading = told.get("reading") or {}
    received_at = reading.get("received_at")
    age_s = (now - datetime.fromisoformat(received_at)).total_seconds() if received_at else math.inf
    step = told.get("step") or {}
    return Live(
        age_s=max(0.0, age_s),
        output=str(told.get("output", "unknown")),
        step=str(step.get("name", "")),
        speed=float(told.get("speed") or 1.0),
        voltage_v=reading.get("voltage_v"),
        supply_voltage_v=reading.get("supply_voltage_v"),
        supply_current_a=reading.get("supply_current_a"),
        cell_voltages_v=tuple(reading.get("cell_voltages_v") or ()),
        temperatures_c=tuple(reading.get("temperatures_c") or ()),
        at=str(reading.get("at") or ""),
    )


def plain_live(told: Live | None) -> dict[str, Any] | None:
    """As the API gives it."""
    if told is None:
        return None
    return {
        "age_s": round(told.age_s, 2) if math.isfinite(told.age_s) else None,
        "output": told.output,
        "step": told.step,
        "speed": told.speed,
        "voltage_v": told.voltage_v,
        "supply_voltage_v": told.supply_voltage_v,
        "supply_current_a": told.supply_current_a,
        "cell_voltages_v": list(told.cell_voltages_v),
        "temperatures_c": list(told.temperatures_c),
        "at": told.at,
    }
