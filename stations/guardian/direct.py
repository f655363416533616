"""Off, and unlocking, where no guardian runs.

Off is by the same keeper of off, for as long as it takes to prove it.
"""

from __future__ import annotations

import logging
import select
from dataclasses import dataclass
from typing import Any

from stations.clock import RealClock, guard_s, wall_now
from stations.config import BenchConfig
from stations.guardian.contactor import Contactor
from stations.guardian.lane import Lane
from stations.guardian.lockout import Lockout
from stations.guardian.loop import Inbox
from stations.guardian.off import OffKeeper
from stations.guardian.recorder import Books
from stations.guardian.service import contactor_lane, load_lane, supply_lane
from stations.plain import to_plain
from stations.values import Event, OffProof

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of it: a proof or an alarm, and the contactor's state where there is one."""

    proof: OffProof | None
    alarm: str
    contactor: str


def switch_off(config: BenchConfig, *, until_s: float) -> Found:
    """Try until the output is proven off or only a person can help, or until guard time `until_s`.

    The caller holds the bench's folder.
    """
    inbox, lockout = Inbox(), Lockout(config.lockout)
    supply = supply_lane(config, RealClock(), inbox.post)
    lanes: list[Lane[Any]] = [supply]
    load, contactor, retry_s = None, None, config.timing.retry_s
    if config.load is not None:
        load = load_lane(config, config.load, RealClock(), inbox.post)
        lanes.append(load)
    if config.relay is not None:
        relay = contactor_lane(config, config.relay, inbox.post)
        lanes.append(relay)
        contactor = Contactor(
            relay, rearm_s=config.timing.rearm_s, retry_s=retry_s, changed=_log.warning
        )
    off = OffKeeper(supply, retry_s, _log.warning, lockout=lockout, contactor=contactor, load=load)
    off.demand()
    while guard_s() < until_s and (off.wanted or _opens(contactor)):
        if lockout.words and contactor is not None and contactor.state == "open":
            break
        due_s = min(until_s, off.due_s(), contactor.due_s() if contactor else until_s)
        select.select([inbox.reader], [], [], max(0.0, due_s - guard_s()))
        inbox.empty()
        off.tick(guard_s())
        if contactor is not None:
            contactor.tick(guard_s())
    for lane in lanes:
        lane.leave(lambda device: device.close(), timeout_s=2 * config.timing.io_timeout_s)
    inbox.close()
    return Found(
        proof=off.last if off.output == "off" else None,
        alarm=lockout.words or off.alarm,
        contactor=contactor.state if contactor is not None else "",
    )


def unlock(config: BenchConfig, *, by: str) -> str:
    """`by` has looked at a supply that did not obey; why the bench was locked, "" if it was not.

    Journalled first, so that no bench is free without a word of who looked.  The caller holds the
    bench's folder.  Raises JournalError or OSError, the bench still locked.
    """
    lockout, books = Lockout(config.lockout), Books(config.journal)
    looked = Event("unlocked", wall_now(), wall_now(), {"by": by, "words": lockout.words})
    try:
        books.append({"kind": "event", "event": to_plain(looked)})
    finally:
        books.close()
    words = lockout.words
    lockout.unlock()
    return words


def _opens(contactor: Contactor | None) -> bool:
    """Whether it is still on its way; one whose board is dead falls open by its own timer."""
    return contactor is not None and contactor.dropping and not contactor.alarm
