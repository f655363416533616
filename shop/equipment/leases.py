"""The lease on driving a station, with a token that only grows; the database is the clock.

Expiry is judged by clock_timestamp(), never by a client.  A run can take a station only when its
output is proven off and it is free, or still held for this very run by a holder that was lost:
whoever `recovers` it has seen it INTERRUPTED, and holds that row.  Each function is one statement,
whole by itself or inside the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from shop.equipment.states import OutputState

CLAIM = """
UPDATE shop_stationlease
   SET owner = %(owner)s, boot_id = %(boot)s, run_id = %(run)s, token = token + 1,
       expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
 WHERE station_id = %(station)s AND output_state = 'OFF'
   AND (owner IS NULL OR (%(recovers)s AND run_id = %(run)s))
RETURNING token
"""
RENEW = """
UPDATE shop_stationlease SET expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
 WHERE station_id = %(station)s AND token = %(token)s AND owner IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM shop_run WHERE id = run_id AND state = 'INTERRUPTED')
RETURNING token
"""
RELEASE = """
UPDATE shop_stationlease SET owner = NULL, run_id = NULL, expires_at = NULL
 WHERE station_id = %(station)s AND token = %(token)s AND owner IS NOT NULL
RETURNING token
"""
HOLD = """
SELECT 1 FROM shop_stationlease
 WHERE station_id = %(station)s AND token = %(token)s AND owner IS NOT NULL
   AND expires_at > clock_timestamp()
   FOR SHARE
"""
# A lapsed lease: past expiry and grace, locked so that nobody renews it meanwhile.
LAPSED = """
SELECT station_id, run_id, token FROM shop_stationlease
 WHERE owner IS NOT NULL
   AND expires_at < clock_timestamp() - make_interval(secs => %(grace)s)
   FOR UPDATE SKIP LOCKED
"""
IS_HELD = """
SELECT 1 FROM shop_stationlease
 WHERE station_id = %(station)s AND owner IS NOT NULL
   AND expires_at >= clock_timestamp() - make_interval(secs => %(grace)s)
"""
# While nobody holds it the token catches up with the guardian's, which outlives a database.
HEARTBEAT = """
UPDATE shop_stationlease
   SET heartbeat_at = CASE WHEN %(heard)s THEN clock_timestamp() ELSE heartbeat_at END,
       output_state = %(state)s, output_at = %(at)s,
       alarm = %(alarm)s,
       token = CASE WHEN owner IS NULL THEN greatest(token, %(highest)s) ELSE token END
 WHERE station_id = %(station)s
"""


class LeaseLost(Exception):
    """The token is no longer current or the lease has expired: stop, do not claim again."""


def claim(
    *,
    station_id: int,
    run_id: int,
    owner: UUID,
    boot_id: str,
    ttl_s: float,
    recovers: bool = False,
) -> int | None:
    """The new token, or None when the station is not free, or not proven off."""
    return _one(
        CLAIM,
        station=station_id,
        run=run_id,
        owner=owner,
        boot=boot_id,
        ttl=ttl_s,
        recovers=recovers,
    )


def renew(*, station_id: int, token: int, ttl_s: float) -> bool:
    """Whether the lease is ours for another `ttl_s`; also when late, until the run was interrupted
    for it or somebody else has taken the station."""
    return _one(RENEW, station=station_id, token=token, ttl=ttl_s) is not None


def release(*, station_id: int, token: int) -> bool:
    """Whether it was ours to give back."""
    return _one(RELEASE, station=station_id, token=token) is not None


def hold_check(*, station_id: int, token: int) -> None:
    """Raise LeaseLost unless `token` is current; the row stays locked until the caller's
    transaction ends, so that nobody takes the lease between the check and the write."""
    if _one(HOLD, station=station_id, token=token) is None:
        raise LeaseLost(f"station {station_id}: token {token} is no longer current")


def lapsed(*, grace_s: float) -> list[tuple[int, int, int]]:
    """(station, run, token) of every lease past expiry and grace, locked."""
    with connection.cursor() as cursor:
        cursor.execute(LAPSED, {"grace": grace_s})
        return [(int(a), int(b), int(c)) for a, b, c in cursor.fetchall()]


def is_lapsed(*, station_id: int, grace_s: float) -> bool:
    """Whether nobody holds the station, or its holder's lease is past expiry and grace."""
    return _one(IS_HELD, station=station_id, grace=grace_s) is None


def heartbeat(
    *,
    station_id: int,
    output_state: OutputState,
    output_at: datetime | None,
    alarm: str,
    highest_token: int = 0,
    heard: bool = True,
) -> None:
    """Store what the guardian last said of the station's output; not `heard`, what we fear."""
    with connection.cursor() as cursor:
        cursor.execute(
            HEARTBEAT,
            {
                "station": station_id,
                "state": output_state.value,
                "at": output_at,
                "alarm": alarm[:300],
                "highest": highest_token,
                "heard": heard,
            },
        )


def _one(statement: str, **values: Any) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return int(row[0]) if row else None
