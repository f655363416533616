"""The callers' side of a guardian's socket.

`GuardianBench` is the bench of a runner: it holds the session, and pets only from inside its
own calls, so that a control loop that hangs falls silent.  `GuardianLink` asks single
questions, for the uplink and for people.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from stations.bench import BenchError, BenchLost
from stations.clock import guard_s
from stations.plain import from_plain
from stations.values import Draw, Event, Limits, OffProof, Protection, Reading, Setpoint
from stations.wire import Line, WireError

ANSWER_MAX_S = 20.0  # the longest command: a supply that is silent all the way
_GONE = ("stale_token", "no_session")


class GuardianSilent(Exception):
    """No guardian answers at this socket; is it running?"""


class GuardianRefused(Exception):
    """The guardian said no: `code` for programs, the message for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class GuardianBench:
    """One session at a guardian, as a Bench.  Use as a context manager, or call `close`.

    `opened_at` is process time at the opening, `off_at_open` the proof that came with it,
    `simulated` and `instruments` are what the guardian found.
    """

    def __init__(
        self,
        path: Path,
        *,
        run: str,
        attempt: int,
        token: int,
        limits: Limits,
        program: Mapping[str, str | int],
        valid_s: float,
        presence_s: float | None = None,
        absent_s: float = 0.0,
    ) -> None:
        """Open the session; raises BenchError when it is refused, BenchLost without a guardian.

        `program` is name, version, and how many cells there are (without it: as many as are
        wired); `valid_s` is how long the lease is good for by itself.  Where somebody has to be
        there `presence_s` is how long they may be silent while an output is on, `absent_s` how
        long they were.
        """
        self._token = token
        self._items: deque[Reading | Event] = deque()
        self._pets: set[int] = set()
        self._lost = ""
        self._pet_s = 0.4
        self._sent_s = guard_s()
        try:
            self._line = Line(path, timeout_s=2.0)
        except OSError as error:
            raise BenchLost(f"no guardian at {path}: {error}") from error
        try:
            told = self._ask(
                "open",
                run=run,
                attempt=attempt,
                limits=limits,
                program=dict(program),
                valid_s=valid_s,
                presence_s=presence_s,
                absent_s=absent_s,
            )
        except BenchError:
            self._line.close()
            raise
        self._pet_s = 0.8 * float(told["pet_s"])
        self.simulated: bool = told["simulated"]
        self.speed: float = told["speed"]
        self.boot_id: str = told["boot_id"]
        self.instruments: list[Mapping[str, str]] = told["instruments"]
        self.opened_at = datetime.fromisoformat(told["at"])
        self.off_at_open: OffProof = from_plain(OffProof, told["off"])

    def __enter__(self) -> GuardianBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.close()

    # The Bench protocol

    def next(self) -> Reading | Event:
        while not self._items:
            if self._lost:
                raise BenchLost(self._lost)
            self._pet()
            self._take(self._pet_s)
        self._pet()
        return self._items.popleft()

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self._ask("configure", setpoint=setpoint, protection=protection)

    def configure_load(self, draw: Draw) -> None:
        self._ask("configure_load", draw=draw)

    def route(self, cell: int) -> datetime:
        return from_plain(datetime, self._ask("route", cell=cell)["at"])

    def arrived(self) -> Sequence[Reading | Event]:
        return tuple(self._items)

    def see_parted(self) -> None:
        self._ask("see_parted")

    def energise(self) -> datetime:
        return from_plain(datetime, self._ask("energise")["at"])

    def adjust(self, setpoint: Setpoint) -> None:
        self._ask("adjust", setpoint=setpoint)

    def off(self) -> OffProof:
        return from_plain(OffProof, self._ask("off")["off"])

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        self._ask("note", kind=kind, data=data)

    # Beyond it

    def put_back(self, items: Sequence[Reading | Event]) -> None:
        """What was looked at ahead of a runner, in order: `next` gives it again first."""
        self._items.extendleft(reversed(items))

    def pet(self) -> None:
        """For a caller that works on something else between two calls."""
        self._pet()

    def close(self, *, kind: str, reason: str) -> Mapping[str, Any]:
        """End the session with the run's outcome: {"last_seq", "head", "records"}.

        Raises BenchLost when the guardian is gone; its journal is closed by its successor.
        """
        try:
            reply = self._ask("close", outcome={"kind": kind, "reason": reason})
        finally:
            self._line.close()
        return {key: reply[key] for key in ("last_seq", "head", "records")}

    def _ask(self, op: str, **fields: Any) -> Mapping[str, Any]:
        """Ask and wait for the reply, petting; readings that come meanwhile are kept in order."""
        deadline = guard_s() + ANSWER_MAX_S
        number = self._send(op, fields)
        while guard_s() < deadline:
            reply = self._take(self._pet_s, awaited=number)
            if reply is not None:
                return self._judged(op, reply)
            self._pet()
        self._lose(f"no answer to {op} within {ANSWER_MAX_S:g} s")
        raise BenchLost(self._lost)

    def _judged(self, op: str, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        if reply.get("ok"):
            return reply
        words = f"{op}: {reply.get('error', 'refused')}"
        if reply.get("code") in _GONE:
            self._lose(words)
            raise BenchLost(words)
        raise BenchError(words)

    def _pet(self) -> None:
        if guard_s() - self._sent_s >= self._pet_s and not self._lost:
            try:
                self._pets.add(self._send("pet", {}))
            except BenchLost:
                return  # what has arrived is still handed out, then `next` says so

    def _send(self, op: str, fields: Mapping[str, Any]) -> int:
        try:
            number = self._line.send(op, {"token": self._token, **fields})
        except OSError as error:
            self._lose(f"the guardian is gone: {error}")
            raise BenchLost(self._lost) from error
        self._sent_s = guard_s()
        return number

    def _take(self, timeout_s: float, awaited: int = 0) -> Mapping[str, Any] | None:
        """Take in one message; the awaited reply is returned, all else finds its place."""
        try:
            message = self._line.receive(timeout_s)
        except (OSError, WireError) as error:
            self._lose(f"the guardian is gone: {error}")
            if awaited:
                raise BenchLost(self._lost) from error
            return None
        if message is None:
            return None
        if "reading" in message:
            self._items.append(from_plain(Reading, message["reading"]))
        elif "event" in message:
            self._items.append(from_plain(Event, message["event"]))
        elif message.get("id") == awaited:
            return message
        elif message.get("id") in self._pets:
            self._pets.discard(message["id"])
            if message.get("code") in _GONE:
                self._lose(str(message.get("error")))
        return None

    def _lose(self, words: str) -> None:
        self._lost = self._lost or words


class GuardianLink:
    """Single questions to a guardian, each on its own short connection.

    `keeps`: all on one, for somebody who asks all the time.  A question whose connection was lost
    is asked again on a new one; none of these does more the second time.
    """

    def __init__(self, path: Path, timeout_s: float = 2.0, *, keeps: bool = False) -> None:
        self._line: Line | None = None
        self._path = path
        self._timeout_s = timeout_s
        self._keeps = keeps

    def status(self) -> Mapping[str, Any]:
        """Output, session, highest token, last off, instruments, contactor, alarm: plain data."""
        return self._ask("status")

    def lease(self, *, token: int, valid_s: float) -> None:
        """The token's authority lasts `valid_s` from now."""
        self._ask("lease", token=token, valid_s=valid_s)

    def act(
        self, *, run: str, act: str, kind: str, data: Mapping[str, Any], ago_s: float = 0.0
    ) -> None:
        """Hand over a person's act of so long ago; a repeated `act` id changes nothing."""
        self._ask("act", run=run, kind=kind, data=data, act=act, ago_s=ago_s)

    def stop(
        self, *, reason: str, run: str | None = None, resumable: bool = False
    ) -> Mapping[str, Any]:
        """Output off at once: {"stopped", "output", "off"}; never refused.

        `resumable`: nobody wants the run to end, only what drives it must.
        """
        named = {} if run is None else {"run": run}
        return self._ask("stop", reason=reason, resumable=resumable, **named)

    def unlock(self, *, by: str) -> str:
        """`by` has looked at a supply that did not obey; why the bench was locked, "" if not."""
        return str(self._ask("unlock", by=by).get("words", ""))

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    __del__ = close  # who forgets the link leaves no connection behind

    def _ask(self, op: str, **fields: Any) -> Mapping[str, Any]:
        """Raises GuardianSilent without an answer in time, GuardianRefused for a no."""
        try:
            if self._line is not None:
                with suppress(OSError, WireError):  # it was lost: once more, on a new one
                    return self._asked(self._line, op, fields)
                self.close()
            self._line = Line(self._path, self._timeout_s)
            return self._asked(self._line, op, fields)
        except (OSError, WireError) as error:
            self.close()
            raise GuardianSilent(f"no guardian at {self._path}: {error}") from error
        finally:
            if not self._keeps:
                self.close()

    def _asked(self, line: Line, op: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        deadline = guard_s() + self._timeout_s
        number = line.send(op, fields)
        while (left_s := deadline - guard_s()) > 0:
            message = line.receive(left_s)
            if message is not None and message.get("id") == number:
                return _accepted(message)
        self.close()
        raise GuardianSilent(f"the guardian at {self._path} did not answer {op} in time")


def _accepted(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    if not reply.get("ok"):
        raise GuardianRefused(str(reply.get("code", "")), str(reply.get("error", "refused")))
    return {key: value for key, value in reply.items() if key not in ("id", "ok")}
