"""The circuit of one bench behind one lock, its truth log, and process time.

Servers and hands are threads; each access first brings the physics up to the process clock, and a
ticker does the same when nobody asks.  The world alone moves the clock: fast while the output
relay is on, and the contactor closed where there is one, or while the load is on, else at wall
speed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stations.clock import ClockWriter
from stations.model.bank import Bank
from stations.model.bms import Bms
from stations.sim.circuit import Circuit, Seen
from stations.sim.output import Output
from stations.sim.sink import Sink
from stations.sim.truth import TruthLog

TICK_S = 0.1  # wall seconds


class World:
    """Shared by all servers of one bench; every method may be called from any thread."""

    def __init__(
        self,
        bank: Bank,
        *,
        objection: str = "",
        output: Output,
        clock: ClockWriter,
        truth: TruthLog,
        speed: float,
        contactor: bool = False,
        temperature_c: float = 25.0,
    ) -> None:
        """`objection` and `contactor` as in the Circuit."""
        self._condition = threading.Condition()
        self._clock = clock
        self._truth = truth
        self._fast = speed
        self._circuit = Circuit(
            bank,
            objection=objection,
            output=output,
            contactor=contactor,
            temperature_c=temperature_c,
            at_s=clock.now_s(),
            moved=self._moved,
        )
        self._closed = False
        self._ticker = threading.Thread(target=self._tick, name="ticker", daemon=True)

    def start(self) -> None:
        """Let time pass; the log says that a new world begins, with the relay open."""
        contactor = self._circuit.contactor
        closed = {"closed": contactor == "closed"} if contactor else {}
        self.note("start", on=self._circuit.output.on, speed=self._fast, **closed)
        self._ticker.start()

    def close(self) -> None:
        """Open relay and contactor, switch the load off, let every waiter go, stop the ticker."""
        with self._condition:
            self._circuit.open_all()
            self._closed = True
            self._condition.notify_all()
        if self._ticker.is_alive():
            self._ticker.join()

    def see(self) -> Seen:
        with self._now() as circuit:
            return circuit.seen(self._clock.speed)

    def note(self, kind: str, **fields: Any) -> None:
        """Write to the truth log at the process time of now."""
        with self._condition:
            self._truth.write(self._clock.now_s(), kind, **fields)

    def wait(self, process_s: float) -> None:
        """Return when so much process time has passed, or when the world closes."""
        with self._condition:
            due_s = self._clock.now_s() + process_s
            while not self._closed and (left_s := due_s - self._clock.now_s()) > 0:
                self._condition.wait(left_s / self._clock.speed)

    # Supply, load and contactor

    def adjust(self, change: Callable[[Output], Output]) -> None:
        """Change levels or thresholds of the output stage; the relay is left as it is."""
        with self._now() as circuit:
            circuit.adjust(change)

    def switch(self, *, on: bool) -> None:
        """Move the output relay; switching on clears a trip."""
        with self._condition:
            if not self._closed:
                self._advanced().switch(on=on)

    def adjust_load(self, change: Callable[[Sink], Sink]) -> None:
        """Change what the load is set to; it stays on or off."""
        with self._now() as circuit:
            circuit.adjust_load(change)

    def switch_load(self, *, on: bool) -> None:
        with self._condition:
            if not self._closed:
                self._advanced().switch_load(on=on)

    def move_contactor(self, *, closed: bool) -> None:
        state = "closed" if closed else "open"
        with self._condition:
            if state != self._circuit.contactor and not self._closed:
                self._advanced().move_contactor(state)

    # Hands

    def connect(self, *, links: bool, leads: bool) -> None:
        """Put links and leads on or off, as hands do.  Raises Impossible."""
        with self._now() as circuit:
            circuit.connect(links=links, leads=leads)

    def lay_meter(self) -> None:
        """Lay the bank meter's probes on the supply's leads."""
        with self._now() as circuit:
            circuit.lay_meter()

    def connect_string(self, *, leads: bool) -> None:
        """Put the cells in series, BMS and meter on the string.  Raises Impossible."""
        with self._now() as circuit:
            circuit.connect_string(leads=leads)

    def adjust_bms(self, change: Callable[[Bms], Bms]) -> None:
        """Change what the BMS is set to, or what is wrong with it."""
        with self._now() as circuit:
            circuit.adjust_bms(change)

    def connect_cell(self, position: int) -> None:
        """Put leads and meter on one cell that lies alone.  Raises Impossible."""
        with self._now() as circuit:
            circuit.connect_cell(position)

    def lead_meter(self, position: int | None) -> None:
        """Lead the bank meter's probes to one cell, to none (0), or back.  Raises Impossible."""
        with self._now() as circuit:
            circuit.lead_meter(position)

    def route(self, cells: tuple[int, ...]) -> None:
        """The router's relays closed for `cells`: as hands would put leads and meter on them.

        Cells that lie in parallel or in series are not on its leads.
        """
        with self._condition:
            if self._closed or cells == self._circuit.routed:
                return
            circuit = self._advanced()
            self._truth.write(self._clock.now_s(), "routes", cells=list(cells))
            circuit.route(cells)

    def warm(self, position: int, celsius: float) -> None:
        """Somebody, or something, brings a cell to that temperature.  Raises Impossible."""
        with self._now() as circuit:
            circuit.warm(position, celsius)

    # Time

    @contextmanager
    def _now(self) -> Iterator[Circuit]:
        """The circuit as it is now, and nobody else at it."""
        with self._condition:
            yield self._advanced()

    def _advanced(self) -> Circuit:
        self._circuit.advance(self._clock.now_s())
        return self._circuit

    def _moved(self, switch: str, fields: Mapping[str, Any]) -> None:
        """A switch moved: time goes at another pace from here on."""
        self._clock.set_speed(self._fast if self._circuit.drives else 1.0)
        self._condition.notify_all()
        self._truth.write(self._clock.now_s(), switch, **fields)

    def _tick(self) -> None:
        with self._condition:
            while not self._closed:
                self._advanced()
                self._condition.wait(TICK_S)
