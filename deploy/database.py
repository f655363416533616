"""How long a process waits for the database before it gives a connection up and tries again.

Over a line that drops everything, TCP by itself waits for a quarter of an hour, and tries again
ever more rarely: a bench would not notice that the line is good once more.  A server that
hangs is another matter: its kernel answers, so nothing here ends the wait, and nothing should.
"""

from __future__ import annotations

import math
from typing import Any

from deploy.roles import Role
from deploy.timers import Timers

CONNECT_MIN_S = 3  # a busy server takes its time
LOCK_MIN_S = 3.0
PROBES = 3
# Whoever hangs in the middle of a transaction must not keep others from a run's rows.
IDLE_IN_TRANSACTION_S = 60


def options(role: Role, timers: Timers) -> dict[str, Any]:
    """What libpq is told for a connection of this role; a URL's own parameters go before it."""
    silence_s = timers.line_silence_s
    probe_s = max(1, math.ceil(silence_s / PROBES))
    return {
        "connect_timeout": max(CONNECT_MIN_S, math.ceil(silence_s)),
        "keepalives_idle": probe_s,
        "keepalives_interval": probe_s,
        "keepalives_count": PROBES,
        "tcp_user_timeout": math.ceil(silence_s * 1000),
        "options": " ".join(f"-c {name}={value}" for name, value in _server_side(role, timers)),
    }


def _server_side(role: Role, timers: Timers) -> list[tuple[str, str]]:
    if role is Role.OWNER:  # who migrates may take long, and waits for its locks
        return []
    settings = [("idle_in_transaction_session_timeout", f"{IDLE_IN_TRANSACTION_S}s")]
    if role is Role.BENCH:  # one table that is locked keeps no uplink from renewing a lease
        lock_s = max(LOCK_MIN_S, timers.lease_renew_s / 2)
        settings.append(("lock_timeout", f"{lock_s * 1000:.0f}ms"))
    return settings
