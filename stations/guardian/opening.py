"""How a session begins: token on disk, output proven off, the right instruments, a journal.

The steps follow each other through the guardian's loop.  A session of an older token is ended
first; the new one begins when that one's journal is closed.
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from stations import __version__
from stations.clock import guard_s
from stations.config import BenchConfig, InstrumentConfig
from stations.drivers.protocols import WrongInstrument
from stations.guardian.bms import BmsHand
from stations.guardian.core import Guardian
from stations.guardian.envelope import Tally
from stations.guardian.lane import CONTROL, Answer
from stations.guardian.peer import Ask, Bad
from stations.guardian.session import (
    Session,
    cells_problem,
    interrupted,
    limits_problem,
    open_refusal,
    presence_problem,
    valid_problem,
)
from stations.guardian.strings import series_problem
from stations.plain import to_plain
from stations.values import Identity, Limits, OffProof

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


@cache
def boot_id() -> str:
    """Which boot of this host the guard clock belongs to."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Opening:
    """One `open` under way.  `over` is true once it was answered."""

    def __init__(self, guardian: Guardian, ask: Ask) -> None:
        self.ask = ask
        self.over = False
        self.heard_s = ask.sent_s
        self._guardian = guardian
        self._run = ask.text("run")
        self._attempt = ask.value("attempt", int)
        self._limits = ask.value("limits", Limits)
        self._program = ask.mapping("program")
        self.token = ask.value("token", int)
        self._valid_s = ask.message.get("valid_s")
        self._cells = self._program.get("cells", 0)
        self._presence_s = ask.message.get("presence_s")
        self._absent_s = ask.message.get("absent_s", 0.0)
        self._check()
        self._proof: OffProof | None = None
        self._identities: dict[str, Identity] = {}
        self._awaited: set[str] = set()

    def begin(self) -> None:
        """Raise the fence, then prove the output off; OSError leaves the old token in force."""
        guardian = self._guardian
        refusal = open_refusal(guardian.fence.highest, self.token)
        if refusal is not None:
            self.refuse(refusal.code, refusal.words)
            return
        guardian.fence.raise_to(self.token)
        if guardian.session is not None:
            reason = f"overtaken by token {self.token}"
            guardian.end("safe_hold", reason, resumable=True)
            guardian.closing.begin(interrupted(reason))
        guardian.switch_off(self._off)

    def refuse(self, code: str, words: str) -> None:
        if not self.over:
            self.over = True
            self._guardian.closing.on_free = None
            self.ask.refuse(code, words)

    def _check(self) -> None:
        if not _RUN.fullmatch(self._run) or self._attempt < 1:
            raise Bad(f"run {self._run!r} attempt {self._attempt}: letters and digits, from 1")
        scanner = self._guardian.config.scanner
        wired = len(scanner.channels) if scanner else 0
        has_bms = self._guardian.config.bms is not None
        problem = (
            limits_problem(self._limits)
            or valid_problem(self._valid_s)
            or presence_problem(self._presence_s, self._absent_s)
            or series_problem(
                self._limits, self._cells, wired, has_bms=has_bms, presence_s=self._presence_s
            )
            or (cells_problem(self._cells, wired) if not self._limits.series_cells else "")
        )
        if problem:
            raise Bad(problem)

    def _off(self, proof: OffProof | None) -> None:
        if self.over:
            return
        if proof is None:
            self.refuse("not_off", self._guardian.off.alarm)
            return
        self._proof = proof
        self._awaited = {instrument.role for instrument in self._guardian.config.instruments}
        for instrument in self._guardian.config.instruments:
            lane = self._guardian.lanes[instrument.role]
            lane.submit(CONTROL, partial(_meet, instrument), partial(self._met, instrument.role))

    def _met(self, role: str, answer: Answer) -> None:
        if self.over:
            return
        if answer.error is not None:
            self.refuse("refused", f"{role}: {answer.error}")
            return
        if answer.value is not None:
            self._identities[role] = answer.value
        self._awaited.discard(role)
        if not self._awaited:
            self._guardian.closing.on_free = self._free
            self._free()

    def _free(self) -> None:
        """Go on when no older session is left."""
        guardian = self._guardian
        if self.over:
            return
        if guardian.session is not None:
            if guardian.closing.unwritten.alarm:
                self.refuse("refused", f"no journal, no run: {guardian.closing.unwritten.alarm}")
            return
        guardian.closing.on_free = None
        roles = [instrument.role for instrument in guardian.config.instruments]
        known = self._identities
        guardian.identities = {role: known[role] for role in roles if role in known}
        header = {
            "kind": "open",
            "run": self._run,
            "attempt": self._attempt,
            "token": self.token,
            "program": dict(self._program),
            "limits": to_plain(self._limits),
            "instruments": describe_instruments(guardian.identities),
            "contactor": describe_contactor(guardian.config),
            "presence_s": self._presence_s,
            "simulated": guardian.clock.simulated,
            "speed": guardian.clock.speed,
            "at": to_plain(guardian.clock.now()),
            "boot_id": boot_id(),
            "off": to_plain(self._proof),
            "software": {"version": __version__, "python": platform.python_version()},
        }
        guardian.recorder.begin(self._run, self._attempt, header, partial(self._begun, header))

    def _begun(self, header: Mapping[str, Any], answer: Answer) -> None:
        guardian = self._guardian
        if answer.error is not None:
            self.refuse("refused", f"no journal, no run: {answer.error}")
            return
        at, now_s = guardian.clock.now(), guard_s()
        assert isinstance(self._valid_s, int | float)  # noqa: S101  checked at the beginning
        guardian.session = Session(
            run=self._run,
            attempt=self._attempt,
            token=self.token,
            limits=self._limits,
            cells=self._cells,
            heard_s=max(self.heard_s, now_s - guardian.config.timing.deadman_s / 2),
            lease_until_s=self.ask.sent_s + self._valid_s,
            tally=Tally(opened_at=at, last_at=at),
            valid_s=now_s,
            presence_s=math.inf if self._presence_s is None else self._presence_s,
            present_s=self.ask.sent_s - self._absent_s,
        )
        guardian.runner = self.ask.peer
        guardian.watch.drop()  # an idle look at the supply is no reading of this session
        if self.over or not self.ask.peer.open:
            guardian.gone(self.ask.peer)
            return
        self.over = True
        timing = guardian.config.timing
        told = {key: header[key] for key in ("instruments", "simulated", "speed", "at", "off")}
        self.ask.reply(**told, boot_id=header["boot_id"], pet_s=timing.pet_s)


def describe_instruments(identities: Mapping[str, Identity]) -> list[dict[str, Any]]:
    return [to_plain(identity) for identity in identities.values()]


def describe_contactor(config: BenchConfig) -> dict[str, Any] | None:
    """What parts supply and bank without us, its timer seen at work when the session opened."""
    if config.relay is None:
        return None
    return {
        "relay": config.relay.serial_number,
        "channel": config.relay.channels[0],
        "opens_after_s": config.timing.contactor_s,
    }


def _meet(instrument: InstrumentConfig, device: Any) -> Identity | None:
    """See that the instrument is the one in bench.toml, then set up what any use needs.

    None for a BMS that is silent, as before its string is built.
    """
    if isinstance(device, BmsHand):
        return device.meet()
    identity: Identity = device.identify()
    if identity.serial_number != instrument.serial_number:
        raise WrongInstrument(
            f"serial number {identity.serial_number} answers, bench.toml says "
            f"{instrument.serial_number}: check the cables or correct bench.toml"
        )
    device.prepare()
    return identity
